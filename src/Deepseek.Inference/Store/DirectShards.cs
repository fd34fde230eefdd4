using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Store;

/// <summary>Reads ranges of a store's shards.</summary>
internal interface IShardReader : IDisposable
{
    /// <summary>Disks that the shards lie on.</summary>
    int Disks { get; }

    /// <summary>The disk of a shard, from 0.</summary>
    int DiskOf(int shard);

    /// <summary>A shard's path.</summary>
    string PathOf(int shard);

    /// <summary>Fills a destination.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="offset">First byte, a multiple of <see cref="ExpertRecordLayout.Alignment"/>.</param>
    /// <param name="destination">As long and as aligned.</param>
    /// <exception cref="IOException">The disk fails, or the file ends before.</exception>
    void Read(int shard, long offset, Span<byte> destination);
}

/// <summary>The shards with experts, read past the system's page cache where that is possible.</summary>
internal sealed class DirectShards : IShardReader
{
    private readonly Dictionary<int, DirectFile> _files = [];
    private readonly Dictionary<int, int> _disks = [];

    /// <summary>Opens the shards that hold experts.</summary>
    /// <param name="folder">The store's folder.</param>
    /// <param name="layout">The store.</param>
    /// <param name="allowDirect">Whether the page cache is to be passed by.</param>
    /// <exception cref="CheckpointFormatException">A shard is missing or cannot be opened.</exception>
    public DirectShards(string folder, StoreLayout layout, bool allowDirect = true)
    {
        List<string> disks = [];
        try
        {
            foreach (var shard in layout.Experts.Select(run => run.Shard).Distinct())
            {
                // What a link leads to may lie on another disk.
                var path = StoreFile.Find(Path.Combine(folder, layout.Shards[shard].File)).FullName;
                _files.Add(shard, Open(path, allowDirect));
                var place = Path.GetDirectoryName(path)!;
                if (!disks.Contains(place))
                    disks.Add(place);
                _disks.Add(shard, disks.IndexOf(place));
            }
        }
        catch
        {
            Dispose();
            throw;
        }

        Disks = Math.Max(1, disks.Count);
    }

    public int Disks { get; }

    /// <summary>A file that is read in the ordinary way although direct reads were wanted; null where there is none.</summary>
    public string? Indirect => _files.Values.FirstOrDefault(file => !file.IsDirect)?.Path;

    public int DiskOf(int shard) => _disks[shard];

    public string PathOf(int shard) => _files[shard].Path;

    public void Read(int shard, long offset, Span<byte> destination) => _files[shard].Read(destination, offset);

    public void Dispose()
    {
        foreach (var file in _files.Values)
            file.Dispose();
    }

    private static DirectFile Open(string path, bool allowDirect)
    {
        try
        {
            return DirectFile.Open(path, allowDirect);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointFormatException(path, null, $"The shard cannot be opened: {fault.Message}", fault);
        }
    }
}
