using System.Runtime.InteropServices;
using System.Text.Json;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Quantization;

/// <summary>Reads 4-bit weights as Transformers saves them with bitsandbytes.</summary>
/// <remarks>
/// bitsandbytes@95f9af3 functional.py, QuantState.as_dict: beside <c>NAME</c> (the codes, U8 [⌈n / 2⌉, 1]) lie <c>NAME.absmax</c>, <c>NAME.quant_map</c>, with double quantization
/// <c>NAME.nested_absmax</c> and <c>NAME.nested_quant_map</c>, and a JSON text of the rest in <c>NAME.quant_state.bitsandbytes__nf4</c>. The maps are checked against the format's own.
/// </remarks>
internal sealed class BitsandbytesReader(ICheckpointSource source)
{
    private const string State = ".quant_state.bitsandbytes__";

    /// <summary>Whether a tensor is a 4-bit weight of this form.</summary>
    public bool Has(string name) => source.Tensors.ContainsKey($"{name}{State}nf4") || source.Tensors.ContainsKey($"{name}{State}fp4");

    /// <summary>Checks a weight and reads all but its codes.</summary>
    /// <param name="name">The weight.</param>
    /// <param name="rows">Rows that the configuration asks for.</param>
    /// <param name="columns">Columns that the configuration asks for.</param>
    /// <returns>The codes' entry, the block size and the scales.</returns>
    /// <exception cref="CheckpointFormatException">A tensor is missing or at fault.</exception>
    public (TensorEntry Codes, int BlockSize, Nf4Scales Scales) Read(string name, long rows, long columns)
    {
        if (!source.Tensors.TryGetValue($"{name}{State}nf4", out var entry))
            throw Fault(source.Tensors[$"{name}{State}fp4"], "the weight is FP4; of bitsandbytes' 4-bit types NF4 alone is supported. Quantize the model with bnb_4bit_quant_type nf4.");
        var state = ReadState(entry);
        if (!state.Shape.SequenceEqual([rows, columns]))
            throw Fault(entry, $"the shape is [{string.Join(", ", state.Shape)}]; config.json asks for [{rows}, {columns}].");

        var count = checked(rows * columns);
        var codes = Entry(name, TensorType.U8, (count + 1) / 2);
        var blocks = (count + state.BlockSize - 1) / state.BlockSize;
        RequireMap($"{name}.quant_map", Nf4.Levels);
        return (codes, state.BlockSize, state.NestedOffset is { } offset ? Nested(name, blocks, offset) : new Nf4PlainScales(Floats(Entry($"{name}.absmax", TensorType.F32, blocks))));
    }

    private Nf4QuantizedScales Nested(string name, long blocks, float offset)
    {
        RequireMap($"{name}.nested_quant_map", DynamicCode8.Values);
        var entry = Entry($"{name}.absmax", TensorType.U8, blocks);
        var codes = new byte[blocks];
        source.Read(entry, 0, codes);
        var groups = (blocks + Nf4QuantizedScales.GroupSize - 1) / Nf4QuantizedScales.GroupSize;
        return new Nf4QuantizedScales(codes, Floats(Entry($"{name}.nested_absmax", TensorType.F32, groups)), offset);
    }

    private QuantState ReadState(TensorEntry entry)
    {
        const int limit = 1 << 16; // a few hundred bytes in practice
        if (entry.Type != TensorType.U8 || entry.ByteLength > limit)
            throw Fault(entry, $"it is {entry.Type} of {entry.ByteLength} bytes; it must be a JSON text of at most {limit} bytes in U8.");
        var text = new byte[entry.ByteLength];
        source.Read(entry, 0, text);
        try
        {
            using var document = JsonDocument.Parse(text);
            var root = document.RootElement;
            var blockSize = root.GetProperty("blocksize").GetInt32();
            long[] shape = [.. root.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
            if (blockSize <= 0 || blockSize % 16 != 0)
                throw Fault(entry, $"blocksize is {blockSize}; it must be a positive multiple of 16.");
            if (!root.TryGetProperty("nested_offset", out var offset))
                return new QuantState(blockSize, shape, null);
            var group = root.GetProperty("nested_blocksize").GetInt32();
            return group == Nf4QuantizedScales.GroupSize
                ? new QuantState(blockSize, shape, offset.GetSingle())
                : throw Fault(entry, $"nested_blocksize is {group}; it must be {Nf4QuantizedScales.GroupSize}.");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new CheckpointFormatException(entry.File, entry.Name, "it must be a JSON object with blocksize, shape and, with double quantization, nested_blocksize and nested_offset. " + e.Message, e);
        }
    }

    private void RequireMap(string name, ReadOnlySpan<float> expected)
    {
        var entry = Entry(name, TensorType.F32, expected.Length);
        if (!Floats(entry).AsSpan().SequenceEqual(expected))
            throw Fault(entry, "its values are not those of the format; the weight was quantized with a map of its own, which is not supported.");
    }

    private TensorEntry Entry(string name, TensorType type, long count)
    {
        if (!source.Tensors.TryGetValue(name, out var entry))
            throw new CheckpointFormatException(source.Location, name, "the tensor is missing; a 4-bit weight of bitsandbytes needs it. Download the checkpoint again.");
        return entry.Type == type && entry.ElementCount == count
            ? entry
            : throw Fault(entry, $"it has {entry.ElementCount} elements of {entry.Type}; it must have {count} of {type}.");
    }

    private float[] Floats(TensorEntry entry)
    {
        var values = new float[entry.ElementCount];
        source.Read(entry, 0, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    private static CheckpointFormatException Fault(TensorEntry entry, string reason) => new(entry.File, entry.Name, reason);

    private sealed record QuantState(int BlockSize, long[] Shape, float? NestedOffset);
}
