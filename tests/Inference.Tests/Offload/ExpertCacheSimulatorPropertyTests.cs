using Deepseek.Inference.Offload;
using Deepseek.Inference.Offload.Eviction;
using Deepseek.Inference.Tests.Sampling;

namespace Deepseek.Inference.Tests.Offload;

public sealed class ExpertCacheSimulatorPropertyTests
{
    [Fact]
    public void Run_AnyTraceAndPolicy_MissesAtLeastWhatBeladysRuleDoes() => Rows.ForAll(Traces.Cases, one =>
    {
        var result = ExpertCacheSimulator.Run(one.Trace, one.Options);

        Assert.InRange(result.Misses, result.OptimalMisses, result.Demands);
        Assert.Equal(one.Trace.Tokens * (long)one.Trace.Layers * one.Trace.Chosen, result.Demands);
        Assert.Equal(0, result.PrefetchReads);
    });

    [Fact]
    public void Run_EverythingFits_MissesEachExpertOnce() => Rows.ForAll(Traces.Cases, one =>
    {
        var (trace, options) = one;
        var distinct = (
            from token in Enumerable.Range(0, trace.Tokens)
            from layer in Enumerable.Range(0, trace.Layers)
            from expert in trace.Experts(token, layer).ToArray()
            select (layer, expert)).Distinct().Count();

        var result = ExpertCacheSimulator.Run(trace, options with { Slots = trace.Layers * trace.ExpertsPerLayer });

        Assert.Equal((distinct, distinct), (result.Misses, result.OptimalMisses));
    });

    [Fact]
    public void Replay_AnyTraceAndPolicy_KeepsAGroupAndItsSlots() => Rows.ForAll(Traces.Cases, one =>
    {
        var (trace, options) = one;
        List<(int Expert, int Visit)> evicted = [];
        var cache = new SimulatedCache(
            EvictionPolicies.Create(options.Eviction, trace.Layers, trace.ExpertsPerLayer, options.Slots, options.ShareByLayer), trace.Layers * trace.ExpertsPerLayer, options.Slots)
        {
            Evicted = (expert, visit) => evicted.Add((expert, visit)),
        };

        var (misses, _) = ExpertCacheSimulator.Replay(trace, options with { PrefetchAccuracy = 0.5 }, cache, CancellationToken.None);

        Assert.All(evicted, one =>
        {
            var (token, layer) = (one.Visit / trace.Layers, one.Visit % trace.Layers);
            Assert.False(one.Expert / trace.ExpertsPerLayer == layer && trace.Experts(token, layer).Contains((ushort)(one.Expert % trace.ExpertsPerLayer)));
        });
        Assert.True(cache.Resident.Length <= options.Slots);
        Assert.Equal(cache.Resident.Length, cache.Resident.ToArray().Distinct().Count());
        Assert.True(misses >= 0);
    });

    [Fact]
    public void Run_PinnedAndPrefetched_StillCountsEveryDemandOnce() => Rows.ForAll(Traces.Cases, one =>
    {
        var options = one.Options with { PrefetchAccuracy = 1, PinnedShare = one.Trace.Tokens > 3 ? 0.5 : 0, WarmUpTokens = null };

        var result = ExpertCacheSimulator.Run(one.Trace, options);

        Assert.InRange(result.Misses, 0, result.Demands);
        Assert.InRange(result.HitRate, 0, 1);
    });
}
