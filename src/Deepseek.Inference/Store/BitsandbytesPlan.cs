using System.Globalization;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Store;

/// <summary>What becomes of every tensor of a checkpoint, and which file it goes to.</summary>
/// <param name="Shards">The files and their tensors, in the source's order.</param>
/// <param name="SourceBytes">Bytes of all of the source's tensors.</param>
/// <param name="Bytes">Bytes of all files' tensors, a little more than will be written.</param>
/// <param name="Parameters">Weights of the model.</param>
internal sealed record BitsandbytesPlan(IReadOnlyList<BitsandbytesShardPlan> Shards, long SourceBytes, long Bytes, long Parameters)
{
    /// <summary>Weights that share a scale: bitsandbytes' default.</summary>
    public const int BlockSize = 64;

    // The two maps, and more than the text of the state has.
    private const int MapBytes = (256 + 16) * 4;
    private const int StateBytes = 512;

    private const long MaxWeights = 1L << 36; // so that blocks can be counted in an int

    // The linear layers of a decoder layer under their published names. bitsandbytes replaces nn.Linear: the router is a parameter, and Transformers leaves the output head alone.
    private static readonly HashSet<string> Linear = new(StringComparer.Ordinal)
    {
        "q_proj", "k_proj", "v_proj", "o_proj", "q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj", "gate_proj", "up_proj", "down_proj", "eh_proj",
    };

    /// <summary>Checks all tensors and places them.</summary>
    /// <param name="source">The checkpoint.</param>
    /// <param name="config">Its configuration.</param>
    /// <param name="maxShardBytes">What a file may hold.</param>
    /// <exception cref="CheckpointFormatException">A weight cannot be quantized, or is FP8 and must not be.</exception>
    public static BitsandbytesPlan Create(ICheckpointSource source, ModelConfig config, long maxShardBytes)
    {
        List<BitsandbytesItem> items = [];
        foreach (var entry in source.Tensors.Values.OrderBy(entry => entry.File, StringComparer.Ordinal).ThenBy(entry => entry.FileOffset).ThenBy(entry => entry.Name, StringComparer.Ordinal))
        {
            if (IsLinear(entry.Name))
                items.Add(Quantized(source, config, entry));
            else if (!IsScaleOfLinear(source, entry.Name))
                items.Add(LeftAlone(entry));
        }

        var shards = Place(items, maxShardBytes);
        return new BitsandbytesPlan(
            [.. shards.Select((shard, i) => new BitsandbytesShardPlan(FileName(i, shards.Count), shard))],
            source.Tensors.Values.Sum(entry => entry.ByteLength), items.Sum(item => item.Bytes), items.Sum(item => item.Entry.ElementCount));
    }

    private static bool IsLinear(string name)
    {
        var parts = name.Split('.');
        return parts.Length > 4 && parts is ["model", "layers", .., _, "weight"] && Linear.Contains(parts[^2]);
    }

    private static bool IsScaleOfLinear(ICheckpointSource source, string name)
    {
        if (!TensorNames.IsScale(name))
            return false;
        var weight = name[..^"_scale_inv".Length];
        return IsLinear(weight) && source.Tensors.ContainsKey(weight);
    }

    private static BitsandbytesItem Quantized(ICheckpointSource source, ModelConfig config, TensorEntry entry)
    {
        if (entry.Shape is not [> 0 and <= int.MaxValue, > 0 and <= int.MaxValue] || entry.ElementCount > MaxWeights)
            throw new CheckpointFormatException(entry.File, entry.Name, string.Create(CultureInfo.InvariantCulture, $"the shape is [{string.Join(", ", entry.Shape)}]; the weight of a linear layer must have rows and columns, and at most {MaxWeights} weights."));

        var stored = StoredMatrix.Describe(source, config, entry.Name, entry.Shape[0], entry.Shape[1]);
        var blocks = (entry.ElementCount + BlockSize - 1) / BlockSize;
        var groups = (blocks + Nf4QuantizedScales.GroupSize - 1) / Nf4QuantizedScales.GroupSize;
        return new BitsandbytesItem(entry, IsQuantized: true, entry.ByteLength + (stored.Fp8?.Scales.ByteLength ?? 0),
            ((entry.ElementCount + 1) / 2) + blocks + (4 * groups) + MapBytes + StateBytes);
    }

    private static BitsandbytesItem LeftAlone(TensorEntry entry) => entry.Type is TensorType.F8E4M3 or TensorType.F8E5M2 or TensorType.F8E8M0
        ? throw new CheckpointFormatException(entry.File, entry.Name, $"the type is {entry.Type.Name()}; what bitsandbytes leaves alone must be BF16, F16 or F32. Store the tensor in one of these.")
        : new BitsandbytesItem(entry, IsQuantized: false, entry.ByteLength, entry.ByteLength);

    /// <summary>In order, each into the file begun last while it has room.</summary>
    private static List<List<BitsandbytesItem>> Place(List<BitsandbytesItem> items, long maxShardBytes)
    {
        List<List<BitsandbytesItem>> shards = [[]];
        var room = maxShardBytes;
        foreach (var item in items)
        {
            if (item.Bytes > room && shards[^1].Count > 0)
            {
                shards.Add([]);
                room = maxShardBytes;
            }

            shards[^1].Add(item);
            room -= item.Bytes;
        }

        return shards;
    }

    private static string FileName(int index, int count) => count == 1
        ? CheckpointContents.SingleFile
        : string.Create(CultureInfo.InvariantCulture, $"model-{index + 1:D5}-of-{count:D5}.safetensors");
}

/// <summary>A file to be written.</summary>
/// <param name="File">Its name.</param>
/// <param name="Items">The tensors of the source that go into it.</param>
internal sealed record BitsandbytesShardPlan(string File, IReadOnlyList<BitsandbytesItem> Items);

/// <summary>A tensor of the source.</summary>
/// <param name="Entry">The tensor.</param>
/// <param name="IsQuantized">Whether it becomes NF4; else it keeps type and bytes.</param>
/// <param name="SourceBytes">Its bytes, FP8 scales included.</param>
/// <param name="Bytes">At most what its file holds of it.</param>
internal sealed record BitsandbytesItem(TensorEntry Entry, bool IsQuantized, long SourceBytes, long Bytes);
