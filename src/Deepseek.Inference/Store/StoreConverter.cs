using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Store;

/// <summary>Makes a page store of a checkpoint.</summary>
public static class StoreConverter
{
    /// <summary>Begins the names of files that a caller may keep in an unfinished store's folder; they are deleted when the store is finished.</summary>
    public const string KeptPrefix = StoreFile.Kept;

    /// <summary>Converts a checkpoint. An interrupted conversion is taken up by the same call; on a finished store it checks every byte.</summary>
    /// <param name="checkpoint">A folder as published: <c>config.json</c> and safetensors files.</param>
    /// <param name="store">The store's folder: absent, empty, or what the same conversion left or made.</param>
    /// <param name="options">Precisions and threads; null for the defaults.</param>
    /// <param name="progress">Told after every page, by the store's bytes.</param>
    /// <param name="cancellationToken">Ends the conversion between two pages; the next call goes on from there.</param>
    /// <returns>What the store holds.</returns>
    /// <remarks>Reads slices, never a whole large tensor: memory stays within some 100 MB a thread for models of R1's shape.</remarks>
    /// <exception cref="ArgumentException">The options are at fault; all faults are named.</exception>
    /// <exception cref="CheckpointFormatException">A file of the checkpoint is at fault, or the store's folder holds something else.</exception>
    /// <exception cref="DiskSpaceException">The disk has not enough room; nothing of what was written is lost.</exception>
    /// <exception cref="StoreCorruptedException">The store was finished before, and a page of it is damaged.</exception>
    public static Task<StoreSummary> ConvertAsync(
        string checkpoint, string store, StoreOptions? options = null, IProgress<ConvertProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(checkpoint);
        ArgumentException.ThrowIfNullOrWhiteSpace(store);
        options ??= new StoreOptions();
        options.Validate();
        return Task.Run(() => Convert(checkpoint, store, options, progress, cancellationToken), cancellationToken);
    }

    /// <summary>What a conversion would make, from headers alone.</summary>
    /// <param name="checkpoint">A folder as published.</param>
    /// <param name="options">Precisions; null for the defaults.</param>
    /// <exception cref="ArgumentException">The options are at fault; all faults are named.</exception>
    /// <exception cref="CheckpointFormatException">A file of the checkpoint is at fault.</exception>
    public static StoreSummary Plan(string checkpoint, StoreOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(checkpoint);
        options ??= new StoreOptions();
        options.Validate();
        using var source = CheckpointFolder.Open(checkpoint);
        return StoreSummary.Of(Plan(source, options).Layout);
    }

    /// <summary>Refuses a folder that a conversion could not write to, before other long work is done for it. Writes nothing.</summary>
    /// <param name="checkpoint">A folder as published.</param>
    /// <param name="store">The store's folder: absent, empty, or what the same conversion left or made.</param>
    /// <param name="options">Precisions; null for the defaults. Their energies do not count.</param>
    /// <param name="calibrated">Whether there will be energies, perhaps not measured yet.</param>
    /// <returns>Whether the folder holds the finished store already.</returns>
    /// <exception cref="ArgumentException">The options are at fault; all faults are named.</exception>
    /// <exception cref="CheckpointFormatException">A file of the checkpoint is at fault, or the store's folder holds something else.</exception>
    /// <exception cref="DiskSpaceException">The disk has not enough room.</exception>
    public static bool CheckTarget(string checkpoint, string store, StoreOptions? options = null, bool calibrated = false)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(checkpoint);
        ArgumentException.ThrowIfNullOrWhiteSpace(store);
        options ??= new StoreOptions();
        options.Validate();
        using var source = CheckpointFolder.Open(checkpoint);
        var plan = Plan(source, options);
        if (StoreFile.IsStore(store))
        {
            RequireSame(store, plan.Layout with { Calibration = calibrated ? StoreManifestReader.Read(store).Layout.Calibration ?? "some" : null });
            return true;
        }

        new StoreWriter(plan, store, Companions(checkpoint), threads: 1, StorePlacement.Of(plan.Layout, options.Speed, options.Also)).Require(fingerprint: null);
        return false;
    }

    private static StoreSummary Convert(string checkpoint, string store, StoreOptions options, IProgress<ConvertProgress>? progress, CancellationToken cancellationToken)
    {
        using var source = CheckpointFolder.Open(checkpoint);
        var plan = Plan(source, options);
        return WriteOrVerify(plan, store, Companions(checkpoint), options.Threads, Fingerprint(plan, source), progress, cancellationToken, StorePlacement.Of(plan.Layout, options.Speed, options.Also));
    }

    /// <summary>Writes a store, goes on where an interrupted run of the same store stopped, or checks a finished one.</summary>
    /// <param name="plan">The store.</param>
    /// <param name="store">Its folder.</param>
    /// <param name="companions">Other files of the store, small.</param>
    /// <param name="threads">Threads that encode; null for one a core.</param>
    /// <param name="fingerprint">What the store is made of.</param>
    /// <param name="progress">Told after every page.</param>
    /// <param name="cancellationToken">Ends the work between two pages.</param>
    /// <param name="placement">Where shards lie; null for the store's folder.</param>
    internal static StoreSummary WriteOrVerify(
        StorePlan plan, string store, IReadOnlyList<(string Name, byte[] Content)> companions, int? threads, UInt128 fingerprint, IProgress<ConvertProgress>? progress, CancellationToken cancellationToken,
        StorePlacement? placement = null)
    {
        var workers = threads ?? Environment.ProcessorCount;
        if (StoreFile.IsStore(store))
        {
            RequireSame(store, plan.Layout);
            StoreWriter.DeleteProgress(store); // a kill may have come between the manifest and this
            StoreVerifier.Verify(store, workers, progress, cancellationToken).ThrowIfDamaged();
        }
        else
        {
            new StoreWriter(plan, store, companions, workers, placement).Write(fingerprint, progress, cancellationToken);
        }

        return StoreSummary.Of(plan.Layout);
    }

    private static StorePlan Plan(CheckpointFolder source, StoreOptions options)
    {
        var json = source.ReadConfiguration();
        var config = ModelConfig.Parse(json.Span, Path.Combine(source.Location, ConfigFile.Name));
        var content = new CheckpointContent(source, config, CheckpointContent.By(options, config), options.Energies);
        return StorePlan.Create(config, StoreModel.From(json), content, options.Prediction is not null, ChecksumOf(options.Energies), options.Parts);
    }

    /// <summary>Files beside the weights; small, so that they are read whole.</summary>
    internal static List<(string Name, byte[] Content)> Companions(string checkpoint) =>
        [.. StoreFile.Companions.Select(name => (name, Path.Combine(checkpoint, name))).Where(file => File.Exists(file.Item2)).Select(file => (file.name, File.ReadAllBytes(file.Item2)))];

    /// <summary>What the calibration of a store is known by.</summary>
    internal static string? ChecksumOf(ColumnEnergies? energies)
    {
        if (energies is null)
            return null;
        var hash = new System.IO.Hashing.XxHash128();
        foreach (var (name, measured) in energies.Measured) // in the order of the names
        {
            hash.Append(System.Text.Encoding.UTF8.GetBytes(FormattableString.Invariant($"{name} {measured.Tokens}\n")));
            hash.Append(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(measured.MeanSquares));
        }

        return StoreManifest.Text(hash.GetCurrentHashAsUInt128());
    }

    /// <summary>What a conversion is known by: its layout, the checkpoint's tensors, and a sample of their bytes.</summary>
    /// <remarks>Without the sample, a conversion of one model could be taken up with another of the same shape: R1 and V3 differ in nothing else.</remarks>
    private static UInt128 Fingerprint(StorePlan plan, CheckpointFolder source)
    {
        var tensors = source.Tensors.Values.OrderBy(tensor => tensor.Name, StringComparer.Ordinal).ToList();
        var hash = new System.IO.Hashing.XxHash128();
        hash.Append(StoreManifest.ToJson(plan.Layout));
        foreach (var tensor in tensors)
            hash.Append(System.Text.Encoding.UTF8.GetBytes($"{tensor.Name} {tensor.Type} {string.Join(",", tensor.Shape)}\n"));
        foreach (var part in Sample(source, tensors))
            hash.Append(part);
        return hash.GetCurrentHashAsUInt128();
    }

    /// <summary>Parts from the middle of some tensors, chosen so that even a model whose experts were left alone is told from its origin.</summary>
    private static IEnumerable<byte[]> Sample(CheckpointFolder source, List<TensorEntry> tensors)
    {
        const int count = 256;
        const int bytes = 4096;
        var chosen = tensors.FindAll(tensor => !tensor.Name.Contains(".experts.", StringComparison.Ordinal) || tensor.Name.Contains(".experts.0.", StringComparison.Ordinal));
        var step = Math.Max(1, chosen.Count / count);
        for (var i = 0; i < chosen.Count; i += step)
        {
            var part = new byte[Math.Min(bytes, chosen[i].ByteLength)];
            source.Read(chosen[i], (chosen[i].ByteLength - part.Length) / 2, part);
            yield return part;
        }
    }

    private static void RequireSame(string store, StoreLayout layout)
    {
        var present = StoreManifestReader.Read(store).Layout;
        if (!StoreManifest.ToJson(present).AsSpan().SequenceEqual(StoreManifest.ToJson(layout)))
            throw new CheckpointFormatException(store, null, "The folder holds a finished store of another model or with other options. Give another folder, or remove this one.");
    }
}
