using Deepseek.Inference.Configuration;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Store;

/// <summary>A page store, open for reading.</summary>
/// <remarks>Thread-safe. Weights are read into memory of our own and never mapped: no page cache competes with them, and a disk that fails throws instead of ending the process.</remarks>
internal sealed class PageStore : IDisposable
{
    private const int Readers = 4; // what an NVMe disk needs to be busy

    private readonly ShardFiles _files;

    private PageStore(string folder, StoreManifest manifest, ShardFiles files)
    {
        (Location, Manifest, _files) = (folder, manifest, files);
        Config = ModelConfig.Parse(manifest.Layout.Model.Span, Path.Combine(folder, StoreFile.Manifest));
    }

    /// <summary>The folder.</summary>
    public string Location { get; }

    /// <summary>What the pages are.</summary>
    public StoreManifest Manifest { get; }

    /// <summary>The model.</summary>
    public ModelConfig Config { get; }

    /// <summary>Opens a store; checks its manifest and its shards' lengths, and reads no weights.</summary>
    /// <exception cref="Diagnostics.CheckpointFormatException">The folder is no finished store, or a file of it is not sound.</exception>
    public static PageStore Open(string folder)
    {
        var manifest = StoreManifestReader.Read(folder);
        return new PageStore(folder, manifest, new ShardFiles(folder, manifest));
    }

    /// <summary>Reads a shard as a whole, on several threads, and checks every page.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="arrived">Told of the bytes of every part that has arrived.</param>
    /// <param name="cancellationToken">Ends reading between two parts.</param>
    /// <returns>The file from its first byte; the caller disposes it.</returns>
    /// <exception cref="Diagnostics.StoreCorruptedException">A page is damaged.</exception>
    public WeightMemory ReadShard(int shard, Action<long> arrived, CancellationToken cancellationToken)
    {
        var layout = Manifest.Layout.Shards[shard];
        var memory = new WeightMemory(layout.Length);
        try
        {
            PageLoop.Run(Parts(layout), Readers, part =>
            {
                var length = (int)(layout.PageOffsets[part.First + part.Count] - layout.PageOffsets[part.First]);
                _files.ReadPages(shard, part.First, memory.Slice(layout.PageOffsets[part.First], length));
                arrived(length);
            }, cancellationToken);
            return memory;
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <summary>Reads a shard in parts, on several threads, and checks every page, for whoever does not keep it here.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="received">Takes a part and where it begins in the file; from several threads. The part is freed afterwards.</param>
    /// <param name="arrived">Told of the bytes of every part that has arrived.</param>
    /// <param name="cancellationToken">Ends reading between two parts.</param>
    /// <exception cref="Diagnostics.StoreCorruptedException">A page is damaged.</exception>
    public void StreamShard(int shard, Action<long, WeightMemory> received, Action<long> arrived, CancellationToken cancellationToken)
    {
        var layout = Manifest.Layout.Shards[shard];
        PageLoop.Run(Parts(layout), Readers, part =>
        {
            var (begin, end) = (layout.PageOffsets[part.First], layout.PageOffsets[part.First + part.Count]);
            using var memory = new WeightMemory(end - begin);
            _files.ReadPages(shard, part.First, memory.Slice(0, (int)(end - begin)));
            received(begin, memory);
            arrived(end - begin);
        }, cancellationToken);
    }

    public void Dispose() => _files.Dispose();

    /// <summary>Pages in runs of some megabytes: most pages of vectors are tiny.</summary>
    private static IEnumerable<(int First, int Count)> Parts(ShardLayout layout)
    {
        const int partBytes = 8 << 20;
        var first = 0;
        for (var page = 0; page < layout.PageLengths.Count; page++)
        {
            if (page + 1 < layout.PageLengths.Count && layout.PageOffsets[page + 2] - layout.PageOffsets[first] <= partBytes)
                continue;
            yield return (first, page + 1 - first);
            first = page + 1;
        }
    }
}
