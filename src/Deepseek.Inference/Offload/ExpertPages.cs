using Deepseek.Inference.Experts;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Offload;

/// <summary>Where an expert lies on the disk.</summary>
/// <param name="Shard">The shard.</param>
/// <param name="Page">The page within it.</param>
/// <param name="Offset">Its first byte.</param>
/// <param name="Length">Bytes, a multiple of <see cref="ExpertRecordLayout.Alignment"/>.</param>
/// <param name="Layout">Which of <see cref="ExpertPages.Layouts"/> it has.</param>
/// <param name="Checksum">Of its bytes.</param>
internal readonly record struct ExpertPage(int Shard, int Page, long Offset, int Length, int Layout, UInt128 Checksum);

/// <summary>The experts of a store, numbered through: the place of their layer among those that have experts, times experts a layer, plus their number in it.</summary>
internal sealed class ExpertPages
{
    private readonly ExpertPage[] _pages;
    private readonly Dictionary<int, int> _places; // of layers

    /// <summary>Numbers the experts of some layers.</summary>
    /// <param name="manifest">The store.</param>
    /// <param name="layers">The layers that are used, ascending.</param>
    public ExpertPages(StoreManifest manifest, IEnumerable<int> layers)
    {
        var runs = manifest.Layout.Experts;
        Layers = [.. layers];
        _places = Layers.Select((layer, place) => (layer, place)).ToDictionary(one => one.layer, one => one.place);
        PerLayer = runs.Where(run => _places.ContainsKey(run.Layer)).Select(run => run.First + run.Count).DefaultIfEmpty().Max();
        _pages = new ExpertPage[Layers.Count * PerLayer];
        List<ExpertRecordLayout> layouts = [];
        List<(StorePrecision, int, int)> kinds = [];
        foreach (var run in runs.Where(run => _places.ContainsKey(run.Layer)))
        {
            if (kinds.IndexOf((run.Precision, run.Inner, run.Hidden)) is var layout && layout < 0)
            {
                layout = kinds.Count;
                kinds.Add((run.Precision, run.Inner, run.Hidden));
                layouts.Add(run.Record);
            }

            var shard = manifest.Layout.Shards[run.Shard];
            for (var i = 0; i < run.Count; i++)
            {
                var page = run.FirstPage + i;
                _pages[Number(new ExpertId(run.Layer, run.First + i))] =
                    new ExpertPage(run.Shard, page, shard.PageOffsets[page], run.Record.Length, layout, manifest.Checksums[run.Shard][page]);
            }
        }

        Layouts = layouts;
        SlotBytes = layouts.Select(layout => layout.Length).DefaultIfEmpty().Max();
    }

    /// <summary>Layers that have experts.</summary>
    public IReadOnlyList<int> Layers { get; }

    /// <summary>Experts a layer, at most.</summary>
    public int PerLayer { get; }

    /// <summary>Numbers that are given: layers times experts a layer.</summary>
    public int Count => _pages.Length;

    /// <summary>Experts that there are.</summary>
    public int Experts => _pages.Count(page => page.Length > 0);

    /// <summary>How records are laid out: one for each precision.</summary>
    public IReadOnlyList<ExpertRecordLayout> Layouts { get; }

    /// <summary>Bytes of the longest record: those of a slot.</summary>
    public int SlotBytes { get; }

    /// <summary>Bytes of the weights of experts below a layer, without padding.</summary>
    public long BytesBelow(int layer) => Layers.TakeWhile(below => below < layer).Select((_, place) => place).Sum(place => Enumerable.Range(place * PerLayer, PerLayer).Sum(Bytes));

    private long Bytes(int number) => _pages[number].Length > 0 ? Layouts[_pages[number].Layout].DataLength : 0;

    /// <summary>An expert by its number.</summary>
    public ref readonly ExpertPage this[int number] => ref _pages[number];

    /// <summary>An expert's number.</summary>
    public int Number(ExpertId expert) => (_places[expert.Layer] * PerLayer) + expert.Index;
}
