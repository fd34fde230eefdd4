using Deepseek.Inference.Offload.Eviction;

namespace Deepseek.Inference.Offload;

/// <summary>Replays a routing trace through an expert cache that has no bytes: how often would experts be in memory?</summary>
/// <remarks>
/// The policies are those of the cache itself. Tokens pass the layers one after the other; a layer's experts are demanded together, and none of them leaves for another of them. One sequence, decoding; docs/paging.md says what
/// else is left out.
/// </remarks>
public static class ExpertCacheSimulator
{
    /// <summary>Simulates a cache.</summary>
    /// <param name="trace">What the layers chose: recorded, or made up by <see cref="SyntheticTrace"/>.</param>
    /// <param name="options">The cache.</param>
    /// <param name="cancellationToken">Ends the simulation between two tokens.</param>
    /// <exception cref="ArgumentException">The options are at fault; all faults are named.</exception>
    public static CacheSimulation Run(RoutingTrace trace, CacheSimulationOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(trace);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate(trace);
        var warmUp = options.WarmUpOf(trace);
        var cache = new SimulatedCache(Policy(trace, options), trace.Layers * trace.ExpertsPerLayer, options.Slots);
        var (misses, reads) = Replay(trace, options, cache, cancellationToken);
        var optimal = OptimalEviction.Misses(trace, options.Slots, warmUp, cancellationToken);
        return new CacheSimulation(trace.Tokens - warmUp, (trace.Tokens - warmUp) * (long)trace.Shape.Choices, misses, optimal, reads);
    }

    /// <summary>Passes all tokens through a cache and counts what comes after the warm-up.</summary>
    internal static (long Misses, long PrefetchReads) Replay(RoutingTrace trace, CacheSimulationOptions options, SimulatedCache cache, CancellationToken cancellationToken)
    {
        var (misses, reads, warmUp) = (0L, 0L, options.WarmUpOf(trace));
        var guesses = options.PrefetchAccuracy is { } accuracy ? new PrefetchGuesses(trace, accuracy, options.Seed) : null;
        var group = new int[trace.Chosen];
        for (var token = 0; token < trace.Tokens; token++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (var layer = 0; layer < trace.Layers; layer++)
            {
                var visit = (token * trace.Layers) + layer;
                Number(trace.Experts(token, layer), layer * trace.ExpertsPerLayer, group);
                var missed = cache.Demand(group, visit);
                var read = guesses?.Read(cache, visit) ?? 0;
                if (token >= warmUp)
                    (misses, reads) = (misses + missed, reads + read);
            }
        }

        return (misses, reads);
    }

    internal static void Number(ReadOnlySpan<ushort> experts, int first, Span<int> numbers)
    {
        for (var i = 0; i < experts.Length; i++)
            numbers[i] = first + experts[i];
    }

    private static IEvictionPolicy Policy(RoutingTrace trace, CacheSimulationOptions options)
    {
        var usage = new ExpertUsage(trace.Layers, trace.ExpertsPerLayer);
        for (var token = 0; options.PinnedShare > 0 && token < options.WarmUpOf(trace); token++)
        {
            for (var layer = 0; layer < trace.Layers; layer++)
            {
                foreach (var expert in trace.Experts(token, layer))
                    usage.Add((layer * trace.ExpertsPerLayer) + expert);
            }
        }

        var policy = EvictionPolicies.Create(options.Eviction, trace.Layers, trace.ExpertsPerLayer, options.Slots, options.ShareByLayer);
        return EvictionPolicies.Pin(policy, usage, options.Slots, options.PinnedShare);
    }
}
