using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Store;

/// <summary>Writes a checkpoint as Transformers saves it in 4 bits with bitsandbytes: NF4, double quantization.</summary>
/// <remarks>
/// <para>The weights of the linear layers in the decoder layers are quantized; embedding, output head, norms, biases, routers and all else keep type and bytes. From a checkpoint in F32, F16 or BF16 the
/// bits are those of bitsandbytes@95f9af3 on a CPU, unless the search is chosen. FP8 weights are quantized from code · scale in fp32, where others round to BF16 between.</para>
/// <para>The source is read twice, slice by slice on all cores; memory stays small, whatever the size of the model.</para>
/// </remarks>
public static class BitsandbytesConverter
{
    private const int JsonBytes = 1 << 20; // beside tensors and companions: more than config.json and headers have; the index is counted by its tensors

    /// <summary>Converts a checkpoint.</summary>
    /// <param name="sourceFolder">A Hugging Face folder: <c>config.json</c> and safetensors files in F64 to FP8.</param>
    /// <param name="outputFolder">A folder that is new, empty, or left by a conversion that was killed.</param>
    /// <param name="options">How weights are quantized and divided among files; null for the defaults.</param>
    /// <param name="progress">Told after every tensor, twice where it is quantized.</param>
    /// <param name="cancellationToken">Ends the conversion; the output folder is then empty.</param>
    /// <exception cref="ArgumentException">The options are at fault, the output folder holds something else, or the source is in 4 bits already.</exception>
    /// <exception cref="CheckpointFormatException">A file of the source is at fault, or a tensor cannot be converted.</exception>
    /// <exception cref="DiskSpaceException">The disk has too little space: found before anything is written, or while.</exception>
    /// <exception cref="IOException">A file cannot be read or written.</exception>
    /// <exception cref="OperationCanceledException">The conversion was cancelled.</exception>
    public static Task ConvertAsync(
        string sourceFolder, string outputFolder, BitsandbytesOptions? options = null, IProgress<ConvertProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(sourceFolder);
        ArgumentException.ThrowIfNullOrEmpty(outputFolder);
        options ??= new BitsandbytesOptions();
        options.Validate();
        return Task.Run(() => Convert(sourceFolder, outputFolder, options, progress, cancellationToken), cancellationToken);
    }

    private static void Convert(string sourceFolder, string outputFolder, BitsandbytesOptions options, IProgress<ConvertProgress>? progress, CancellationToken cancellationToken)
    {
        var configPath = Path.Combine(sourceFolder, ConfigFile.Name);
        var config = ModelConfig.Load(sourceFolder);
        if (config.Quantization is { Method: "bitsandbytes" })
            throw new ArgumentException($"The checkpoint in {sourceFolder} is in 4 bits of bitsandbytes already; use it as it is, or convert the original.", nameof(sourceFolder));

        using var source = CheckpointFolder.Open(sourceFolder);
        var plan = BitsandbytesPlan.Create(source, config, options.MaxShardBytes);
        var newConfig = BitsandbytesConfig.Replace(source.ReadConfiguration(), configPath);
        var companions = BitsandbytesFolder.CompanionsOf(sourceFolder);
        using var folder = BitsandbytesFolder.Begin(outputFolder);

        // A name stands in a header and in the index, six times for a quantized weight.
        var remaining = plan.Bytes + companions.Sum(file => file.Length) + JsonBytes + source.Tensors.Keys.Sum(name => 6L * 2 * (name.Length + 128));
        DiskSpace.Require(outputFolder, remaining);
        DiskSpace.Guard(outputFolder, () => remaining, () =>
        {
            foreach (var file in companions)
            {
                using var stream = file.OpenRead();
                folder.Write(file.Name, stream);
                remaining -= file.Length;
            }

            WriteShards(plan, source, config, options, folder, new ProgressSum(progress, plan.SourceBytes), bytes => remaining -= bytes, cancellationToken);
            folder.Finish(newConfig);
        });
    }

    private static void WriteShards(
        BitsandbytesPlan plan, CheckpointFolder source, ModelConfig config, BitsandbytesOptions options, BitsandbytesFolder folder, ProgressSum progress, Action<long> written, CancellationToken cancellationToken)
    {
        var writer = new BitsandbytesShard(source, config, options.Mode, progress.Add, cancellationToken);
        Dictionary<string, string> shardOf = new(StringComparer.Ordinal);
        var total = 0L;
        foreach (var shard in plan.Shards)
        {
            var (names, bytes) = writer.Write(folder.Add(shard.File), shard.Items);
            foreach (var name in names)
                shardOf.Add(name, shard.File);
            total += bytes;
            written(bytes);
        }

        if (plan.Shards.Count > 1)
            folder.Write(CheckpointIndex.FileName, BitsandbytesConfig.Index(shardOf, plan.Parameters, total));
    }

    private sealed class ProgressSum(IProgress<ConvertProgress>? progress, long total)
    {
        private long _done;

        public void Add(string tensor, long bytes) => progress?.Report(new ConvertProgress(tensor, _done += bytes, total));
    }
}
