using Deepseek.Inference.Offload;
using Deepseek.Inference.Tests.Sampling;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Offload;

public sealed class OptimalEvictionTests
{
    private static readonly Gen<(RoutingTrace Trace, int Slots)> Tiny =
        from layers in Gen.Choose(1, 2)
        from experts in Gen.Choose(2, 3)
        from chosen in Gen.Choose(1, 2)
        from tokens in Gen.Choose(1, 5)
        from seed in Gen.Choose(0, 10_000)
        from slots in Gen.Choose(chosen, layers * experts)
        select (SyntheticTrace.Create(new() { Layers = layers, ExpertsPerLayer = experts, Chosen = chosen, Tokens = tokens, Seed = seed }), slots);

    [Fact]
    public void Misses_HandWorked_AreThree()
    {
        // One layer, two slots: 0 and 1 come in; 2 takes the place of 1, which is used again later than 0.
        var trace = new RoutingTrace(1, 3, 1, [0, 1, 2, 0, 0]);

        Assert.Equal(3, OptimalEviction.Misses(trace, slots: 2, warmUp: 0, TestContext.Current.CancellationToken));
        Assert.Equal(1, OptimalEviction.Misses(trace, slots: 2, warmUp: 2, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Misses_TinyTraces_AreTheFewestOfAllChoices() => Rows.ForAll(Tiny, one =>
    {
        var best = new EveryChoice(one.Trace, one.Slots).FewestMisses();

        Assert.Equal(best, OptimalEviction.Misses(one.Trace, one.Slots, warmUp: 0, CancellationToken.None));
    });

    /// <summary>Tries every set that may stay in memory after every visit.</summary>
    private sealed class EveryChoice(RoutingTrace trace, int slots)
    {
        private readonly Dictionary<(int Visit, int Memory), int> _known = [];

        public int FewestMisses() => From(0, 0);

        private int From(int visit, int memory) // a bit an expert
        {
            if (visit == trace.Tokens * trace.Layers)
                return 0;
            if (_known.TryGetValue((visit, memory), out var known))
                return known;

            var layer = visit % trace.Layers;
            var group = 0;
            foreach (var expert in trace.Experts(visit / trace.Layers, layer))
                group |= 1 << ((layer * trace.ExpertsPerLayer) + expert);
            var others = memory & ~group;
            var best = int.MaxValue;
            for (var kept = others; ; kept = (kept - 1) & others)
            {
                if (int.PopCount(kept | group) <= slots)
                    best = Math.Min(best, From(visit + 1, kept | group));
                if (kept == 0)
                    break;
            }

            return _known[(visit, memory)] = best + int.PopCount(group & ~memory);
        }
    }
}
