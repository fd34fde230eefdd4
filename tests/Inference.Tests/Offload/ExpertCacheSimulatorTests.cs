using Deepseek.Inference.Offload;

namespace Deepseek.Inference.Tests.Offload;

public sealed class ExpertCacheSimulatorTests
{
    // Five layers of R1's width: what holds for a layer holds for more of them.
    private static readonly SyntheticTraceOptions Slice = new() { Layers = 5, Tokens = 800 };
    private const int SliceExperts = 5 * 256;

    // Of 600 tokens × 40 demands the share of misses varies by 0.3 %; that a layer's own experts are a little scarcer when it is visited moves it by up to 2 %.
    private const double Tolerance = 0.025;

    [Fact]
    public void Run_HandWorked_CountsWhatIsNotThere()
    {
        // Two slots: 0 and 1 miss, 0 hits, 2 takes the place of 1, and 1 misses again. Who knows the future lets 0 go instead.
        var trace = new RoutingTrace(1, 3, 1, [0, 1, 0, 2, 1]);

        var result = ExpertCacheSimulator.Run(trace, new() { Slots = 2, Eviction = EvictionPolicy.LeastRecentlyUsed, WarmUpTokens = 0 });

        Assert.Equal(new CacheSimulation(Tokens: 5, Demands: 5, Misses: 4, OptimalMisses: 3, PrefetchReads: 0), result);
    }

    [Fact]
    public void Run_GroupLargerThanWhatIsLeft_KeepsItTogether()
    {
        var trace = new RoutingTrace(1, 4, 2, [0, 1, 1, 2, 2, 3, 0, 1]);

        var result = ExpertCacheSimulator.Run(trace, new() { Slots = 2, WarmUpTokens = 0 });

        Assert.Equal(6, result.Misses);
    }

    [Fact]
    public void Run_WarmUp_DoesNotCount()
    {
        var trace = new RoutingTrace(1, 3, 1, [0, 1, 0, 2, 1]);

        var result = ExpertCacheSimulator.Run(trace, new() { Slots = 2, Eviction = EvictionPolicy.LeastRecentlyUsed, WarmUpTokens = 3 });

        Assert.Equal((2, 2L, 2L), (result.Tokens, result.Demands, result.Misses));
        Assert.Equal(4, ExpertCacheSimulator.Run(trace, new() { Slots = 2 }).Tokens); // a quarter of five, rounded down, is one
    }

    [Theory]
    [InlineData(0.25)]
    [InlineData(0.64)]
    public void Run_UniformRouting_EveryOnlinePolicyMissesTheShareThatIsNotInMemory(double share)
    {
        var trace = SyntheticTrace.Create(Slice);
        foreach (var policy in Enum.GetValues<EvictionPolicy>())
        {
            foreach (var shared in new[] { false, true })
            {
                var result = ExpertCacheSimulator.Run(trace, new() { Slots = (int)(share * SliceExperts), Eviction = policy, ShareByLayer = shared }, TestContext.Current.CancellationToken);

                Assert.InRange(1 - result.HitRate, 1 - share - Tolerance, 1 - share + Tolerance);
            }
        }
    }

    [Fact]
    public void Run_ZipfRouting_IsWhatIsKnownOfIt()
    {
        var trace = SyntheticTrace.Create(Slice with { Skew = 0.5, Tokens = 2000 });
        var slots = (int)(0.64 * SliceExperts);

        var recency = ExpertCacheSimulator.Run(trace, new() { Slots = slots, Eviction = EvictionPolicy.LeastRecentlyUsed }, TestContext.Current.CancellationToken);
        var frequency = ExpertCacheSimulator.Run(trace, new() { Slots = slots, Eviction = EvictionPolicy.LeastFrequentlyUsed }, TestContext.Current.CancellationToken);

        // 27, 24 and 9 % misses; the half-life and the length of the trace move them a little.
        Assert.InRange(1 - recency.HitRate, 0.255, 0.285);
        Assert.InRange(1 - frequency.HitRate, 0.215, 0.25);
        Assert.InRange(1 - recency.OptimalHitRate, 0.08, 0.10);
    }

    [Fact]
    public void Run_ExpertsThatStay_LeastStaleMissesLeast()
    {
        var trace = SyntheticTrace.Create(Slice with { Skew = 0.5, Stay = 0.3 });

        var misses = Enum.GetValues<EvictionPolicy>().ToDictionary(policy => policy, policy => ExpertCacheSimulator.Run(trace, new() { Slots = SliceExperts / 4, Eviction = policy }).Misses);

        Assert.Equal(EvictionPolicy.LeastStale, misses.MinBy(one => one.Value).Key);
    }

    [Fact]
    public void Run_OneLayer_CountsStillHelp()
    {
        var trace = SyntheticTrace.Create(Slice with { Layers = 1, Skew = 1 });

        var misses = Enum.GetValues<EvictionPolicy>().ToDictionary(policy => policy, policy => ExpertCacheSimulator.Run(trace, new() { Slots = 64, Eviction = policy }).Misses);

        Assert.True(misses[EvictionPolicy.LeastStale] < misses[EvictionPolicy.LeastRecentlyUsed]);
        Assert.True(misses[EvictionPolicy.LeastFrequentlyUsed] < misses[EvictionPolicy.LeastRecentlyUsed]);
    }

    [Fact]
    public void Run_PerfectPrefetch_LeavesOnlyTheFirstDemand()
    {
        var trace = SyntheticTrace.Create(Slice with { Tokens = 100 });

        var result = ExpertCacheSimulator.Run(trace, new() { Slots = SliceExperts / 2, PrefetchAccuracy = 1, WarmUpTokens = 0 });

        Assert.Equal(trace.Chosen, result.Misses);
        Assert.InRange(result.PrefetchReads, 1, result.Demands);
        Assert.Equal((result.Misses + result.PrefetchReads) / 100.0, result.ReadsPerToken);
    }

    [Fact]
    public void Run_UselessPrefetch_ReadsMoreAndMissesAboutAsMuch()
    {
        var trace = SyntheticTrace.Create(Slice with { Skew = 1, Tokens = 400 });
        var options = new CacheSimulationOptions { Slots = SliceExperts / 2 };

        var without = ExpertCacheSimulator.Run(trace, options);
        var with = ExpertCacheSimulator.Run(trace, options with { PrefetchAccuracy = 0 });

        Assert.True(with.ReadsPerToken > without.ReadsPerToken);
        Assert.InRange(with.HitRate, without.HitRate - 0.05, without.HitRate + 0.02);
    }

    [Fact]
    public void Run_PinnedMostUsed_HelpsAPolicyThatForgets()
    {
        var trace = SyntheticTrace.Create(Slice with { Skew = 1 });
        var options = new CacheSimulationOptions { Slots = SliceExperts / 4, Eviction = EvictionPolicy.LeastRecentlyUsed };

        var free = ExpertCacheSimulator.Run(trace, options);
        var pinned = ExpertCacheSimulator.Run(trace, options with { PinnedShare = 0.5 });

        Assert.True(pinned.Misses < free.Misses);
    }

    [Fact]
    public void Run_Cancelled_Throws()
    {
        var trace = new RoutingTrace(1, 3, 1, [0]);

        Assert.Throws<OperationCanceledException>(() => ExpertCacheSimulator.Run(trace, new() { Slots = 2, WarmUpTokens = 0 }, new CancellationToken(canceled: true)));
    }

    [Fact]
    public void Run_AllFaults_AreNamed()
    {
        var trace = new RoutingTrace(1, 3, 2, [0, 1]);

        var fault = Assert.Throws<ArgumentException>(() =>
            ExpertCacheSimulator.Run(trace, new() { Slots = 1, Eviction = (EvictionPolicy)7, PinnedShare = 0.95, WarmUpTokens = 1, PrefetchAccuracy = double.NaN }));

        Assert.Equal(
            "CacheSimulationOptions: Slots is 1; it must be 2 or more, since a token uses so many experts of a layer together. Eviction is 7; it must be one of LeastRecentlyUsed, SegmentedLeastRecentlyUsed, LeastFrequentlyUsed, LeastStale. "
            + "PinnedShare is 0.95; it must be 0 to 0.9. WarmUpTokens is 1; it must be 0 to 0, since the trace has 1 tokens. PrefetchAccuracy is NaN; it must be 0 to 1.",
            fault.Message);
    }

    [Fact]
    public void Run_NothingToCountFrom_IsNamed()
    {
        var one = new RoutingTrace(1, 3, 2, [0, 1]);

        Assert.Equal("CacheSimulationOptions: the trace has 0 tokens; it must have 1 or more.", Message(new RoutingTrace(1, 3, 2, []), new() { Slots = 2 }));
        Assert.Equal("CacheSimulationOptions: PinnedShare is 0.5; it must be 0 without warm-up tokens, since they tell which experts are used most.", Message(one, new() { Slots = 2, PinnedShare = 0.5 }));

        static string Message(RoutingTrace trace, CacheSimulationOptions options) => Assert.Throws<ArgumentException>(() => ExpertCacheSimulator.Run(trace, options)).Message;
    }
}
