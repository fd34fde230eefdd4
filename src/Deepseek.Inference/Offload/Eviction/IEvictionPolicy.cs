namespace Deepseek.Inference.Offload.Eviction;

/// <summary>Ranks the experts in memory by how soon each should leave it.</summary>
/// <remarks>
/// Experts are numbered through: the place of their layer among those that have experts, times experts a layer, plus their number in the layer. Not thread-safe: the cache calls under its lock. A cache and the
/// simulator share these.
/// </remarks>
internal interface IEvictionPolicy
{
    /// <summary>A token demands an expert, be it in memory or not; <see cref="Inserted"/> follows where it was not. Prefill does not demand: a prompt that uses every expert once says nothing.</summary>
    void Demanded(int expert);

    /// <summary>An expert came into memory.</summary>
    /// <param name="expert">The expert.</param>
    /// <param name="cold">Whether no token demanded it: it was prefetched, or streamed by for a prompt.</param>
    void Inserted(int expert, bool cold);

    /// <summary>An expert left memory.</summary>
    void Removed(int expert);

    /// <summary>How much an expert in memory is worth keeping: the lowest leaves first; of equals, any.</summary>
    /// <param name="expert">The expert.</param>
    /// <param name="incoming">The expert that needs a place.</param>
    double Rank(int expert, int incoming);
}
