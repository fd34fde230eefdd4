namespace Deepseek.Inference.Offload.Eviction;

/// <summary>Makes policies by their names.</summary>
internal static class EvictionPolicies
{
    /// <summary>Makes a policy.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="layers">Layers that have experts.</param>
    /// <param name="expertsPerLayer">Experts of a layer.</param>
    /// <param name="slots">Experts that fit into memory.</param>
    /// <param name="shareByLayer">Whether every layer has an equal share of the slots.</param>
    /// <param name="usage">What earlier runs demanded, for the policies that count demands; null where nothing is known.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is not positive, or <paramref name="kind"/> is none of the policies.</exception>
    public static IEvictionPolicy Create(EvictionPolicy kind, int layers, int expertsPerLayer, int slots, bool shareByLayer = false, ExpertUsage? usage = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(layers);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(expertsPerLayer);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(slots);
        var experts = checked(layers * expertsPerLayer);
        IEvictionPolicy policy = kind switch
        {
            EvictionPolicy.LeastRecentlyUsed => new LeastRecentlyUsedPolicy(experts),
            EvictionPolicy.SegmentedLeastRecentlyUsed => new SegmentedPolicy(experts, slots),
            EvictionPolicy.LeastFrequentlyUsed => new FrequencyPolicy(experts, expertsPerLayer, usage),
            EvictionPolicy.LeastStale => new LeastStalePolicy(layers, expertsPerLayer, usage),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, $"The eviction policy is {(int)kind}; it must be one of {string.Join(", ", Enum.GetNames<EvictionPolicy>())}."),
        };
        return shareByLayer ? new LayerSharePolicy(policy, layers, expertsPerLayer, slots) : policy;
    }

    /// <summary>Lets the experts that were used most stay as long as anything else may leave.</summary>
    /// <param name="policy">Decides among the others.</param>
    /// <param name="usage">How often experts were used.</param>
    /// <param name="slots">Experts that fit into memory.</param>
    /// <param name="share">The part of the slots that stays, 0 to 1.</param>
    public static IEvictionPolicy Pin(IEvictionPolicy policy, ExpertUsage usage, int slots, double share) =>
        usage.Order().AsSpan() is var order && (int)(slots * share) is var most && most > 0 && order.Length > 0
            ? new PinnedPolicy(policy, usage.Counts.Length, order[..Math.Min(most, order.Length)])
            : policy;
}
