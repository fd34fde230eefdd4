namespace Deepseek.Inference.Offload;

/// <summary>Which expert leaves memory when another needs its place. No answer depends on it, only speed.</summary>
public enum EvictionPolicy
{
    /// <summary>The one that was demanded longest ago.</summary>
    LeastRecentlyUsed,

    /// <summary>Experts demanded once leave before those demanded again (segmented LRU: Karedla, Love, Wherry, 1994).</summary>
    SegmentedLeastRecentlyUsed,

    /// <summary>The one that was demanded least often; older demands count less and less.</summary>
    LeastFrequentlyUsed,

    /// <summary>The one whose next demand is expected latest: layers are visited in order, so what was just used is needed last (SpecMD, arXiv:2602.03921); how often an expert is wanted decides among the others. Best on recorded routing.</summary>
    LeastStale,
}
