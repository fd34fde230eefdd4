using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Store;

/// <summary>Checks every byte of a store, and mends what is damaged.</summary>
public static class StoreVerifier
{
    /// <summary>Checks every page and every other file against the checksums in <c>store.json</c>.</summary>
    /// <param name="store">The store's folder.</param>
    /// <param name="progress">Told after every page.</param>
    /// <param name="cancellationToken">Ends the check between two pages.</param>
    /// <exception cref="CheckpointFormatException">The folder is no finished store, or its manifest is not sound.</exception>
    public static Task<StoreVerification> VerifyAsync(string store, IProgress<ConvertProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(store);
        return Task.Run(() => Verify(store, Environment.ProcessorCount, progress, cancellationToken), cancellationToken);
    }

    /// <summary>Checks a store and writes what is damaged again, from the checkpoint that it was made of.</summary>
    /// <param name="store">The store's folder.</param>
    /// <param name="checkpoint">The checkpoint's folder.</param>
    /// <param name="energies">The column energies of the conversion, where it was calibrated.</param>
    /// <param name="progress">Told after every page that was checked.</param>
    /// <param name="cancellationToken">Ends the work between two pages.</param>
    /// <returns>What was found before mending. On return all of it is mended.</returns>
    /// <exception cref="CheckpointFormatException">The folder is no finished store, or the checkpoint is not the one that it was made of.</exception>
    /// <exception cref="DiskSpaceException">The disk has not enough room.</exception>
    public static Task<StoreVerification> RepairAsync(
        string store, string checkpoint, ColumnEnergies? energies = null, IProgress<ConvertProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(store);
        ArgumentException.ThrowIfNullOrWhiteSpace(checkpoint);
        return Task.Run(() => Repair(store, checkpoint, energies, progress, cancellationToken), cancellationToken);
    }

    internal static StoreVerification Verify(string store, int threads, IProgress<ConvertProgress>? progress, CancellationToken cancellationToken)
    {
        var manifest = StoreManifestReader.Read(store);
        List<StoreDamage> damage = [];
        var (total, checkedBytes) = (manifest.Layout.ByteLength + manifest.Companions.Sum(file => file.Length), 0L);
        for (var i = 0; i < manifest.Layout.Shards.Count; i++)
        {
            var (shard, checksums) = (manifest.Layout.Shards[i], manifest.Checksums[i]);
            var file = StoreFile.Find(Path.Combine(store, shard.File));
            using var handle = file is { Exists: true, Length: > 0 } ? File.OpenHandle(file.FullName, options: FileOptions.RandomAccess) : null;
            PageLoop.Run(Enumerable.Range(0, shard.PageLengths.Count), threads, page =>
            {
                var found = handle is null ? file.Exists ? "empty" : "missing" : ChecksumOf(handle, shard.PageOffsets[page], shard.PageLengths[page]);
                if (found != StoreManifest.Text(checksums[page]))
                {
                    lock (damage)
                        damage.Add(new(shard.File, page, StoreManifest.Text(checksums[page]), found));
                }

                progress?.Report(new ConvertProgress(shard.File, Interlocked.Add(ref checkedBytes, shard.PageLengths[page]), total));
            }, cancellationToken);
            if (file.Exists && file.Length > shard.Length)
                damage.Add(new(shard.File, shard.PageLengths.Count - 1, StoreManifest.Text(checksums[^1]), FormattableString.Invariant($"followed by {file.Length - shard.Length} more bytes")));
        }

        foreach (var companion in manifest.Companions)
        {
            var found = ChecksumOf(StoreFile.Find(Path.Combine(store, companion.Name)), companion.Length);
            if (found != StoreManifest.Text(companion.Checksum))
                damage.Add(new(companion.Name, -1, StoreManifest.Text(companion.Checksum), found));
            checkedBytes += companion.Length;
            progress?.Report(new ConvertProgress(companion.Name, checkedBytes, total));
        }

        return new StoreVerification(
            store, manifest.Checksums.Sum(pages => pages.Length) + manifest.Companions.Count, total,
            [.. damage.OrderBy(one => one.File, StringComparer.Ordinal).ThenBy(one => one.Page)]);
    }

    private static string ChecksumOf(Microsoft.Win32.SafeHandles.SafeFileHandle handle, long offset, int length)
    {
        using var buffer = new PageBuffer(length);
        try
        {
            ShardFiles.ReadAll(handle, buffer.Span, offset);
            return StoreManifest.Text(StoreManifest.Checksum(buffer.Span));
        }
        catch (IOException fault) // a disk that fails, or a file that ends before: both are what a check looks for
        {
            return $"unreadable ({fault.Message})";
        }
    }

    /// <summary>Of a small file as a whole, which is read only where it is as long as it was.</summary>
    private static string ChecksumOf(FileInfo file, long length) => !file.Exists ? "missing"
        : file.Length != length ? FormattableString.Invariant($"{file.Length} bytes in place of {length}")
        : StoreManifest.Text(StoreManifest.Checksum(File.ReadAllBytes(file.FullName)));

    private static StoreVerification Repair(string store, string checkpoint, ColumnEnergies? energies, IProgress<ConvertProgress>? progress, CancellationToken cancellationToken)
    {
        var found = Verify(store, Environment.ProcessorCount, progress, cancellationToken);
        if (found.IsSound)
            return found;

        var manifest = StoreManifestReader.Read(store);
        using var source = CheckpointFolder.Open(checkpoint);
        var plan = Plan(manifest, source, energies);
        foreach (var damage in found.Damage)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (damage.Page < 0)
                MendCompanion(store, checkpoint, damage, manifest.Companions.Single(companion => companion.Name == damage.File).Length);
            else
                DiskSpace.Guard(store, () => plan.Layout.Shards.Single(shard => shard.File == damage.File).PageLengths[damage.Page], () => MendPage(store, plan, damage));
        }

        return found;
    }

    /// <summary>The plan that made the store.</summary>
    private static StorePlan Plan(StoreManifest manifest, CheckpointFolder source, ColumnEnergies? energies)
    {
        var json = source.ReadConfiguration();
        var config = ModelConfig.Parse(json.Span, Path.Combine(source.Location, ConfigFile.Name));
        var tensors = manifest.Layout.Tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Precision ?? StorePrecision.Keep);
        var experts = manifest.Layout.Experts.GroupBy(run => run.Layer).ToDictionary(layer => layer.Key, layer => layer.First().Precision);
        var content = new CheckpointContent(
            source, config, tensor => tensor.Part == TensorPart.RoutedExperts ? experts.GetValueOrDefault(tensor.Layer) : tensors.GetValueOrDefault(tensor.Name), energies);
        var prediction = manifest.Layout.Shards.Any(shard => shard.File == StorePlan.PredictionFile);
        var plan = StorePlan.Create(config, StoreModel.From(json), content, prediction, StoreConverter.ChecksumOf(energies), manifest.Layout.Experts.GroupBy(run => run.Layer).Select(layer => layer.Count()).DefaultIfEmpty(1).Max());
        return plan.Layout.Calibration != manifest.Layout.Calibration ? throw OtherCalibration(manifest, energies)
            : StoreManifest.ToJson(plan.Layout).AsSpan().SequenceEqual(StoreManifest.ToJson(manifest.Layout))
            ? plan
            : throw new CheckpointFormatException(source.Location, null, "The checkpoint is not the one that the store was made of: configuration or tensors differ.");
    }

    private static CheckpointFormatException OtherCalibration(StoreManifest manifest, ColumnEnergies? energies) => new(StoreFile.Manifest, "calibration", (manifest.Layout.Calibration, energies) switch
    {
        (null, _) => "The store was not calibrated; mending it needs no column energies. Leave --calibrate out.",
        (_, null) => "The store was calibrated; mending it needs the same column energies. Give --calibrate and the file that convert was given.",
        _ => "The store was calibrated with other column energies. Give --calibrate and the file that convert was given.",
    });

    private static void MendPage(string store, StorePlan plan, StoreDamage damage)
    {
        var shard = plan.Layout.Shards.Select((shard, index) => (shard, index)).Single(one => one.shard.File == damage.File);
        using var buffer = new PageBuffer(shard.shard.PageLengths[damage.Page]);
        plan.Pages[shard.index][damage.Page].Fill(buffer.Span);
        RequireSame(store, damage, StoreManifest.Checksum(buffer.Span));
        using var handle = File.OpenHandle(Path.Combine(store, damage.File), FileMode.OpenOrCreate, FileAccess.ReadWrite);
        if (RandomAccess.GetLength(handle) != shard.shard.Length)
            RandomAccess.SetLength(handle, shard.shard.Length);
        RandomAccess.Write(handle, buffer.Span, shard.shard.PageOffsets[damage.Page]);
        RandomAccess.FlushToDisk(handle);
    }

    private static void MendCompanion(string store, string checkpoint, StoreDamage damage, long length)
    {
        var source = StoreFile.Find(Path.Combine(checkpoint, damage.File));
        if (!source.Exists)
            throw new CheckpointFormatException(Path.Combine(checkpoint, damage.File), null, "The file is missing; mending the store needs it.");
        var content = source.Length == length ? File.ReadAllBytes(source.FullName) : [];
        RequireSame(store, damage, StoreManifest.Checksum(content));
        DiskSpace.Guard(store, () => length, () => StoreFile.WriteWhole(Path.Combine(store, damage.File), content));
    }

    private static void RequireSame(string store, StoreDamage damage, UInt128 made)
    {
        if (StoreManifest.Text(made) != damage.Expected)
            throw new CheckpointFormatException(Path.Combine(store, damage.File), damage.Page < 0 ? null : FormattableString.Invariant($"page {damage.Page}"), "What the checkpoint gives is not what the store held: its checksum is another. Give the checkpoint that the store was made of.");
    }
}
