using Deepseek.Inference.Offload.Eviction;

namespace Deepseek.Inference.Offload;

/// <summary>The bookkeeping of an expert cache without its bytes: slots, what lies in them, and who leaves.</summary>
internal sealed class SimulatedCache
{
    private readonly IEvictionPolicy _policy;
    private readonly int[] _resident; // [slots], the experts in memory, in no order
    private readonly int[] _places; // of every expert its place in _resident; −1 where it is not in memory
    private readonly int[] _heldUntil; // of every expert the last visit that it must stay for
    private int _count;

    public SimulatedCache(IEvictionPolicy policy, int experts, int slots)
    {
        (_policy, _resident) = (policy, new int[slots]);
        (_places, _heldUntil) = (new int[experts], new int[experts]);
        Array.Fill(_places, -1);
        Array.Fill(_heldUntil, -1);
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
            _heldUntil[expert] = Math.Max(visit, _heldUntil[expert]);
            _policy.Demanded(expert);
        }

        var misses = 0;
        foreach (var expert in group)
        {
            if (Contains(expert))
                continue;
            if (_count == _resident.Length)
                Evict(Victim(expert, visit, oldest: int.MaxValue), visit);
            Insert(expert, cold: false);
            misses++;
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
        if (!Contains(expert))
        {
            if (_count == _resident.Length)
            {
                var victim = Victim(expert, visit, oldest);
                if (victim < 0)
                    return false;
                Evict(victim, visit);
            }

            Insert(expert, cold: true);
            _heldUntil[expert] = visit + 1;
            return true;
        }

        _heldUntil[expert] = Math.Max(visit + 1, _heldUntil[expert]);
        return false;
    }

    private int Victim(int incoming, int visit, int oldest)
    {
        var (victim, lowest) = (-1, double.PositiveInfinity);
        foreach (var expert in Resident)
        {
            if (_heldUntil[expert] >= visit || _heldUntil[expert] >= oldest)
                continue;
            var rank = _policy.Rank(expert, incoming);
            if (victim < 0 || rank < lowest)
                (victim, lowest) = (expert, rank);
        }

        return victim;
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
