using Deepseek.Inference.Compute;
using Deepseek.Inference.Experts;

namespace Deepseek.Inference.Layers;

/// <summary>Which experts the rows of a pass chose, and the rows by expert: memory that is kept from layer to layer.</summary>
/// <remarks>Axes: N rows, E experts, K chosen by a row. A place is one of the N·K choices, ordered by expert, then by row.</remarks>
internal sealed unsafe class CpuRouting : IDisposable
{
    private readonly CpuBuffer _logits = new();
    private readonly CpuBuffer _chosen = new();
    private readonly CpuBuffer _results = new();
    private readonly CpuBuffer _shared = new();
    private int[] _firsts = []; // [E + 1]
    private int[] _next = []; // [E]
    private ExpertId[] _ids = [];
    private int[] _ready = [];
    private int[] _rowCounts = []; // [E], of Ready

    /// <summary>The router's scores, [N, E].</summary>
    public float* Logits { get; private set; }

    /// <summary>The experts of each row, [N, K], ascending within a row.</summary>
    public int* Experts { get; private set; }

    /// <summary>Their factors, [N, K].</summary>
    public float* Weights { get; private set; }

    /// <summary>The place of each choice, [N, K].</summary>
    public int* Places { get; private set; }

    /// <summary>The row of each place, [N·K].</summary>
    public int* Rows { get; private set; }

    /// <summary>Results by place, [N·K, D].</summary>
    public float* Results { get; private set; }

    /// <summary>The shared expert's results, [N, D].</summary>
    public float* Shared { get; private set; }

    /// <summary>The distinct experts, ascending.</summary>
    public ReadOnlySpan<ExpertId> Distinct => _ids.AsSpan(0, DistinctCount);

    /// <summary>How many experts are chosen by any row.</summary>
    public int DistinctCount { get; private set; }

    /// <summary>Room for the places of <see cref="Distinct"/> that are ready.</summary>
    public Span<int> Ready => _ready.AsSpan(0, DistinctCount);

    /// <summary>Makes room.</summary>
    public void Reserve(int rows, int experts, int chosen, int hidden, bool shared)
    {
        var places = (long)rows * chosen;
        Logits = _logits.Reserve((long)rows * experts);
        Experts = _chosen.ReserveWhole(4 * places);
        Weights = (float*)(Experts + places);
        Places = Experts + (2 * places);
        Rows = Experts + (3 * places);
        Results = _results.Reserve(places * hidden);
        Shared = shared ? _shared.Reserve((long)rows * hidden) : null;
        if (_next.Length < experts)
            (_firsts, _next, _ids, _ready, _rowCounts) = (new int[experts + 1], new int[experts], new ExpertId[experts], new int[experts], new int[experts]);
    }

    /// <summary>Orders the choices by expert.</summary>
    public void Group(int layer, int rows, int experts, int chosen)
    {
        Array.Clear(_firsts);
        for (var i = 0; i < rows * chosen; i++)
            _firsts[Experts[i] + 1]++;

        DistinctCount = 0;
        for (var e = 0; e < experts; e++)
        {
            if (_firsts[e + 1] > 0)
                _ids[DistinctCount++] = new ExpertId(layer, e);
            _firsts[e + 1] += _firsts[e];
            _next[e] = _firsts[e];
        }

        for (var i = 0; i < rows * chosen; i++)
        {
            var place = _next[Experts[i]]++;
            Places[i] = place;
            Rows[place] = i / chosen;
        }
    }

    /// <summary>An expert's first place, and how many it has.</summary>
    public (int First, int Count) PlacesOf(int expert) => (_firsts[expert], _firsts[expert + 1] - _firsts[expert]);

    /// <summary>Orders the first of <see cref="Ready"/> by how many rows chose them, ascending.</summary>
    /// <param name="count">How many.</param>
    public void SortReady(int count)
    {
        for (var i = 0; i < count; i++)
            _rowCounts[i] = PlacesOf(_ids[_ready[i]].Index).Count;
        _rowCounts.AsSpan(0, count).Sort(_ready.AsSpan(0, count));
    }

    public void Dispose()
    {
        foreach (var memory in (IDisposable[])[_logits, _chosen, _results, _shared])
            memory.Dispose();
    }
}
