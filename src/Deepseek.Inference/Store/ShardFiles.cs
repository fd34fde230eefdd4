using System.Globalization;
using Deepseek.Inference.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Deepseek.Inference.Store;

/// <summary>A store's shards, open for reading.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class ShardFiles : IDisposable
{
    private readonly SafeFileHandle[] _handles;
    private readonly StoreManifest _manifest;
    private readonly string _folder;

    /// <summary>Opens all shards and checks their lengths.</summary>
    /// <exception cref="CheckpointFormatException">A shard is missing or has another length.</exception>
    public ShardFiles(string folder, StoreManifest manifest)
    {
        (_folder, _manifest) = (folder, manifest);
        var shards = manifest.Layout.Shards;
        _handles = new SafeFileHandle[shards.Count];
        try
        {
            for (var i = 0; i < shards.Count; i++)
                _handles[i] = Open(Path.Combine(folder, shards[i].File), shards[i].Length);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>A shard's path.</summary>
    public string PathOf(int shard) => Path.Combine(_folder, _manifest.Layout.Shards[shard].File);

    /// <summary>Reads consecutive pages and checks each.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="first">The first page.</param>
    /// <param name="destination">Receives whole pages.</param>
    /// <exception cref="StoreCorruptedException">A page is damaged.</exception>
    public void ReadPages(int shard, int first, Span<byte> destination)
    {
        var (layout, checksums) = (_manifest.Layout.Shards[shard], _manifest.Checksums[shard]);
        ReadAll(_handles[shard], destination, layout.PageOffsets[first]);
        for (var page = first; !destination.IsEmpty; page++)
        {
            var actual = StoreManifest.Checksum(destination[..layout.PageLengths[page]]);
            if (actual != checksums[page])
                throw new StoreCorruptedException(PathOf(shard), page, StoreManifest.Text(checksums[page]), StoreManifest.Text(actual));
            destination = destination[layout.PageLengths[page]..];
        }
    }

    public void Dispose()
    {
        foreach (var handle in _handles)
            handle?.Dispose();
    }

    /// <summary>Fills a destination from a file, whatever the length of single reads.</summary>
    /// <exception cref="EndOfStreamException">The file ends before.</exception>
    public static void ReadAll(SafeFileHandle handle, Span<byte> destination, long offset)
    {
        while (!destination.IsEmpty)
        {
            var count = RandomAccess.Read(handle, destination, offset);
            if (count == 0)
                throw new EndOfStreamException(string.Create(CultureInfo.InvariantCulture, $"The file ends at byte {offset}."));
            offset += count;
            destination = destination[count..];
        }
    }

    private static SafeFileHandle Open(string path, long length)
    {
        var file = StoreFile.Find(path);
        if (!file.Exists)
            throw new CheckpointFormatException(path, null, "The shard is missing. Fetch it again, or mend the store with deepseek verify STORE --repair CHECKPOINT.");
        if (file.Length is var actual && actual == length)
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.RandomAccess);
        throw new CheckpointFormatException(path, null, FormattableString.Invariant(
            $"The shard has {actual} bytes; {StoreFile.Manifest} says {length}. It was cut short or changed: fetch it again, or mend the store with deepseek verify STORE --repair CHECKPOINT."));
    }
}
