using Deepseek.Inference.Offload.Eviction;

namespace Deepseek.Inference.Offload;

/// <summary>The bookkeeping of an expert cache without its bytes: slots, what lies in them, and who leaves.</summary>
internal sealed class SimulatedCache
{
    private readonly IEvictionPolicy _policy;
    private readonly int[] _resident; // [slots], the experts in memory, in no order
    private readonly int[] _places; // of every expert its place in _resident; −1 where it is not in memory
    private readonly int[] _demanded; // of every expert the last visit that demanded it
    private readonly int[] _held; // of every expert the last visit during which it must stay
    private readonly int[] _victims;
    private readonly double[] _ranks;
    private int _count;

    public SimulatedCache(IEvictionPolicy policy, int experts, int slots)
    {
        (_policy, _resident, _victims, _ranks) = (policy, new int[slots], new int[slots], new double[slots]);
        (_places, _demanded, _held) = (new int[experts], new int[experts], new int[experts]);
        foreach (var column in new[] { _places, _demanded, _held })
            Array.Fill(column, -1);
    }

    /// <summary>Told of every expert that leaves, and of the visit at which it does.</summary>
    public Action<int, int>? Evicted { get; init; }

    public bool Contains(int expert) => _places[expert] >= 0;

    /// <summary>Experts in memory.</summary>
    public ReadOnlySpan<int> Resident => _resident.AsSpan(0, _count);

    /// <summary>A layer's experts are demanded together; none of them leaves for another of them.</summary>
    /// <param name="group">The experts.</param>
    /// <param name="visit">The number of this visit of a layer, rising.</param>
    /// <returns>How many were not in memory.</returns>
    public int Demand(ReadOnlySpan<int> group, int visit)
    {
        foreach (var expert in group)
        {
            (_demanded[expert], _held[expert]) = (visit, visit);
            _policy.Demanded(expert);
        }

        var misses = 0;
        foreach (var expert in group)
            misses += Contains(expert) ? 0 : 1;
        Free(group[0], misses, visit, oldest: int.MaxValue);
        foreach (var expert in group)
        {
            if (!Contains(expert))
                Insert(expert, cold: false);
        }

        return misses;
    }

    /// <summary>An expert is read ahead for the next visit, if there is a place that no recently demanded expert has.</summary>
    /// <param name="expert">The expert.</param>
    /// <param name="visit">The visit of the layer that computes meanwhile.</param>
    /// <param name="oldest">Experts that were demanded at this visit or later keep their places.</param>
    /// <returns>Whether it was read.</returns>
    public bool Prefetch(int expert, int visit, int oldest)
    {
        var isNew = !Contains(expert);
        if (isNew && !Free(expert, places: 1, visit, oldest))
            return false;
        if (isNew)
            Insert(expert, cold: true);
        _held[expert] = visit; // against the other guesses; once its layer is there it may go
        return isNew;
    }

    /// <summary>Lets experts leave until so many places are free; tells whether they are.</summary>
    private bool Free(int incoming, int places, int visit, int oldest)
    {
        var needed = _count + places - _resident.Length;
        if (needed <= 0)
            return true;

        var lowest = new LowestRanked(_victims.AsSpan(0, needed), _ranks.AsSpan(0, needed));
        foreach (var expert in Resident)
        {
            if (_held[expert] < visit && _demanded[expert] < oldest)
                lowest.Offer(expert, _policy.Rank(expert, incoming));
        }

        for (var i = 0; i < lowest.Count; i++)
            Evict(_victims[i], visit);
        return lowest.Count == needed;
    }

    private void Insert(int expert, bool cold)
    {
        _places[expert] = _count;
        _resident[_count++] = expert;
        _policy.Inserted(expert, cold);
    }

    private void Evict(int expert, int visit)
    {
        var (place, last) = (_places[expert], _resident[--_count]);
        (_resident[place], _places[last], _places[expert]) = (last, place, -1);
        _policy.Removed(expert);
        Evicted?.Invoke(expert, visit);
    }
}
