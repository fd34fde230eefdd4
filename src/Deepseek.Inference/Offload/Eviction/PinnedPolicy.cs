namespace Deepseek.Inference.Offload.Eviction;

/// <summary>Keeps chosen experts as long as anything else may leave; among the others another policy decides.</summary>
internal sealed class PinnedPolicy : IEvictionPolicy
{
    private readonly IEvictionPolicy _inner;
    private readonly bool[] _pinned;

    /// <param name="inner">Decides among the others.</param>
    /// <param name="experts">Experts of all layers.</param>
    /// <param name="pinned">The experts to keep.</param>
    public PinnedPolicy(IEvictionPolicy inner, int experts, ReadOnlySpan<int> pinned)
    {
        (_inner, _pinned) = (inner, new bool[experts]);
        foreach (var expert in pinned)
            _pinned[expert] = true;
    }

    public void Demanded(int expert) => _inner.Demanded(expert);

    public void Inserted(int expert, bool cold) => _inner.Inserted(expert, cold);

    public void Removed(int expert) => _inner.Removed(expert);

    public double Rank(int expert, int incoming) => _pinned[expert] ? double.PositiveInfinity : _inner.Rank(expert, incoming);
}
