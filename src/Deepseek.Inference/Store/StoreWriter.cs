using System.Buffers;
using Deepseek.Inference.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Deepseek.Inference.Store;

/// <summary>Writes a planned store: page by page on all cores, so that it can be killed at any moment and taken up again.</summary>
/// <remarks>Every page has its place before the first is written, so that the result does not depend on their order. <c>store.json</c> appears last.</remarks>
internal sealed class StoreWriter
{
    private const long MaxBufferBytes = 1L << 30;

    private readonly StorePlan _plan;
    private readonly string _folder;
    private readonly IReadOnlyList<(string Name, byte[] Content)> _companions;
    private readonly int _threads;
    private readonly StorePlacement _placement;

    /// <param name="plan">The store.</param>
    /// <param name="folder">Where it is written; absent, empty, or what an interrupted run of the same plan left.</param>
    /// <param name="companions">Other files of the store, small.</param>
    /// <param name="threads">Threads that encode.</param>
    /// <param name="placement">Where shards lie; null for the folder.</param>
    public StoreWriter(StorePlan plan, string folder, IReadOnlyList<(string Name, byte[] Content)> companions, int threads, StorePlacement? placement = null)
    {
        (_plan, _folder, _companions, _placement) = (plan, folder, companions, placement ?? StorePlacement.Own);
        var largest = plan.Pages.SelectMany(pages => pages).Max(page => page.Length);
        _threads = (int)Math.Clamp(MaxBufferBytes / largest, 1, threads);
    }

    private IReadOnlyList<ShardLayout> Shards => _plan.Layout.Shards;

    /// <summary>Writes what is missing.</summary>
    /// <param name="fingerprint">What the store is made of; an interrupted run is taken up only where it is the same.</param>
    /// <param name="progress">Told after every page.</param>
    /// <param name="cancellationToken">Ends writing between two pages; the next run goes on from there.</param>
    public void Write(UInt128 fingerprint, IProgress<ConvertProgress>? progress, CancellationToken cancellationToken)
    {
        Require(fingerprint);
        Directory.CreateDirectory(_folder);
        using var journal = StoreJournal.Open(_folder, fingerprint);
        RequireUnfinished(); // since that was last looked at another process may have come to its end
        var handles = new SafeFileHandle[Shards.Count];
        try
        {
            for (var i = 0; i < handles.Length; i++)
                handles[i] = OpenShard(i);
            var checksums = Shards.Select(shard => new UInt128[shard.PageLengths.Count]).ToArray();
            var done = Confirm(journal, handles, checksums, cancellationToken);
            WritePages(handles, done, checksums, journal, progress, cancellationToken);
            DiskSpace.Guard(_folder, () => _companions.Sum(file => file.Content.LongLength), () => Finish(handles, checksums));
        }
        finally
        {
            foreach (var handle in handles)
                handle?.Dispose();
        }

        journal.Dispose();
        DeleteProgress(_folder);
    }

    /// <summary>Refuses a folder that cannot be written to or taken up, and a disk with too little room. Writes nothing.</summary>
    /// <param name="fingerprint">What the store is made of; null where that is not known yet.</param>
    public void Require(UInt128? fingerprint)
    {
        if (File.Exists(_folder))
            throw new CheckpointFormatException(_folder, null, "It is a file; a store is a folder. Give another path.");
        if (Directory.Exists(_folder))
            RequireOwn(fingerprint);
        DiskSpace.Require(_folder, RestLength() + Missing(null));
        foreach (var other in _placement.Folders)
            DiskSpace.Require(other, Missing(other));
    }

    /// <summary>Deletes what a finished store does not need.</summary>
    public static void DeleteProgress(string folder)
    {
        foreach (var kept in Directory.EnumerateFiles(folder, StoreFile.Kept + "*"))
            File.Delete(kept);
        File.Delete(Path.Combine(folder, StoreFile.Journal));
    }

    /// <summary>Refuses a folder that holds anything but this conversion's own files.</summary>
    private void RequireOwn(UInt128? fingerprint)
    {
        RequireUnfinished();
        HashSet<string> names = [StoreFile.Journal, StoreFile.Manifest + StoreFile.Partial];
        var resumed = File.Exists(Path.Combine(_folder, StoreFile.Journal));
        if (resumed)
            names.UnionWith([.. Shards.Select(shard => shard.File), .. _companions.SelectMany(file => new[] { file.Name, file.Name + StoreFile.Partial })]);
        var stranger = Directory.EnumerateFileSystemEntries(_folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal).FirstOrDefault(name => !names.Contains(name) && !name.StartsWith(StoreFile.Kept, StringComparison.Ordinal));
        if (stranger is not null && resumed && fingerprint is { } own) // names its reason better
            StoreJournal.Open(_folder, own).Dispose();
        if (stranger is not null)
            throw new CheckpointFormatException(_folder, Configuration.UntrustedText.Show(stranger), "The folder holds a file that is no part of this store. Give an empty folder, or one that does not exist yet.");
    }

    private void RequireUnfinished()
    {
        if (StoreFile.IsStore(_folder))
            throw new CheckpointFormatException(_folder, null, "The folder holds a finished store, of another process perhaps. Give the same command again to check it, or another folder.");
    }

    /// <summary>Bytes of what is written beside the shards.</summary>
    private long RestLength()
    {
        const int line = 80; // of the journal, at most
        var checksums = Shards.Select(shard => new UInt128[shard.PageLengths.Count]).ToArray();
        return _companions.Sum(file => file.Content.LongLength) + Manifest(checksums).ToJson().LongLength + (line * (1 + Shards.Sum(shard => (long)shard.PageLengths.Count)));
    }

    /// <summary>Bytes of shards that are still to be written to a folder; null for the store's own.</summary>
    private long Missing(string? folder) => Enumerable.Range(0, Shards.Count).Where(shard => _placement.FolderOf(shard) == folder)
        .Sum(shard => Shards[shard].Length - (StoreFile.Find(PathOf(shard)) is { Exists: true } file ? Math.Min(file.Length, Shards[shard].Length) : 0));

    private string PathOf(int shard) => Path.Combine(_folder, Shards[shard].File);

    private SafeFileHandle OpenShard(int index)
    {
        var (shard, path) = (Shards[index], PathOf(index));
        SafeFileHandle? handle = null;
        DiskSpace.Guard(FolderOf(index), () => shard.Length, () =>
        {
            handle = StoreFile.Find(path).Exists
                ? File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read, FileOptions.RandomAccess)
                : DiskSpace.Create(_placement.Prepare(index, path), shard.Length);
            if (RandomAccess.GetLength(handle) != shard.Length)
                RandomAccess.SetLength(handle, shard.Length);
        });
        return handle!;
    }

    private string FolderOf(int shard) => _placement.FolderOf(shard) ?? _folder;

    /// <summary>Reads back what an earlier run has noted; what is not there is written again.</summary>
    private HashSet<(int, int)> Confirm(StoreJournal journal, SafeFileHandle[] handles, UInt128[][] checksums, CancellationToken cancellationToken)
    {
        HashSet<(int, int)> done = [];
        PageLoop.Run(journal.Done, _threads, noted =>
        {
            var ((shard, page), checksum) = noted;
            if (shard >= Shards.Count || page >= Shards[shard].PageLengths.Count)
                return;
            using var buffer = new PageBuffer(Shards[shard].PageLengths[page]);
            try
            {
                ShardFiles.ReadAll(handles[shard], buffer.Span, Shards[shard].PageOffsets[page]);
            }
            catch (IOException)
            {
                return; // a disk that cannot give a page back may still take it again; if not, writing says so
            }

            if (StoreManifest.Checksum(buffer.Span) != checksum)
                return;
            checksums[shard][page] = checksum;
            lock (done)
                done.Add((shard, page));
        }, cancellationToken);
        return done;
    }

    private void WritePages(
        SafeFileHandle[] handles, HashSet<(int, int)> done, UInt128[][] checksums, StoreJournal journal, IProgress<ConvertProgress>? progress, CancellationToken cancellationToken)
    {
        var total = _plan.Layout.ByteLength;
        var written = done.Sum(at => (long)Shards[at.Item1].PageLengths[at.Item2]);
        var missing = Enumerable.Range(0, Shards.Count).SelectMany(shard => Enumerable.Range(0, Shards[shard].PageLengths.Count).Select(page => (shard, page))).Where(at => !done.Contains(at));
        progress?.Report(new ConvertProgress("", written, total));
        PageLoop.Run(missing, _threads, at =>
        {
            var (shard, page) = at;
            var source = _plan.Pages[shard][page];
            using var buffer = new PageBuffer(source.Length);
            source.Fill(buffer.Span);
            DiskSpace.Guard(FolderOf(shard), () => total - Interlocked.Read(ref written), () =>
            {
                RandomAccess.Write(handles[shard], buffer.Span, Shards[shard].PageOffsets[page]);
                checksums[shard][page] = StoreManifest.Checksum(buffer.Span);
                journal.Add(shard, page, checksums[shard][page]);
            });
            progress?.Report(new ConvertProgress(Shards[shard].File, Interlocked.Add(ref written, source.Length), total));
        }, cancellationToken);
    }

    /// <summary>Everything reaches the disk before the manifest says that it is there.</summary>
    private void Finish(SafeFileHandle[] handles, UInt128[][] checksums)
    {
        foreach (var handle in handles)
            RandomAccess.FlushToDisk(handle);
        foreach (var (name, content) in _companions)
            StoreFile.WriteWhole(Path.Combine(_folder, name), content);
        foreach (var other in _placement.Folders)
            FolderFlush.Flush(other);
        FolderFlush.Flush(_folder); // the shards' own entries, where there are no companions
        StoreFile.WriteWhole(Path.Combine(_folder, StoreFile.Manifest), Manifest(checksums).ToJson());
    }

    private StoreManifest Manifest(UInt128[][] checksums) => new(
        _plan.Layout, checksums, [.. _companions.Select(file => new StoreCompanion(file.Name, file.Content.Length, StoreManifest.Checksum(file.Content)))]);
}

/// <summary>Bytes of one page, from a pool.</summary>
internal readonly struct PageBuffer(int length) : IDisposable
{
    private readonly byte[] _rented = ArrayPool<byte>.Shared.Rent(length);

    public Span<byte> Span => _rented.AsSpan(0, length);

    public void Dispose() => ArrayPool<byte>.Shared.Return(_rented);
}
