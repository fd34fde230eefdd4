namespace Deepseek.Inference.Offload.Eviction;

/// <summary>Gives every layer an equal share of the slots; within a layer another policy decides.</summary>
/// <remarks>A layer that has its share, or more, evicts its own experts. One that has less takes from those that have more.</remarks>
internal sealed class LayerSharePolicy : IEvictionPolicy
{
    private readonly IEvictionPolicy _inner;
    private readonly int _expertsPerLayer;
    private readonly int[] _shares;
    private readonly int[] _counts;

    /// <param name="inner">Decides within a layer.</param>
    /// <param name="layers">Layers that have experts.</param>
    /// <param name="expertsPerLayer">Experts of a layer.</param>
    /// <param name="slots">Experts that fit into memory.</param>
    public LayerSharePolicy(IEvictionPolicy inner, int layers, int expertsPerLayer, int slots)
    {
        (_inner, _expertsPerLayer, _counts) = (inner, expertsPerLayer, new int[layers]);
        _shares = [.. Enumerable.Range(0, layers).Select(layer => (slots / layers) + (layer < slots % layers ? 1 : 0))];
    }

    public void Demanded(int expert) => _inner.Demanded(expert);

    public void Inserted(int expert, bool cold)
    {
        _counts[expert / _expertsPerLayer]++;
        _inner.Inserted(expert, cold);
    }

    public void Removed(int expert)
    {
        _counts[expert / _expertsPerLayer]--;
        _inner.Removed(expert);
    }

    public double Rank(int expert, int incoming)
    {
        var rank = _inner.Rank(expert, incoming);
        if (rank < EvictionRank.Warm)
            return rank;

        var (layer, wanting) = (expert / _expertsPerLayer, incoming / _expertsPerLayer);
        if (layer == wanting && _counts[layer] >= _shares[layer])
            return rank;
        return _counts[layer] > _shares[layer] ? rank * EvictionRank.Class : rank * EvictionRank.Class * EvictionRank.Class;
    }
}
