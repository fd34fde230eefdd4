using Deepseek.Inference.Models;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Offload;

/// <summary>What a real, if small, model chooses: the ground on which the library's default policy stands.</summary>
public sealed class RecordedRoutingTests(Nano nano)
{
    [Theory]
    [InlineData("held-out-prose.txt", 0.4)]
    [InlineData("held-out-prose.txt", 0.64)]
    [InlineData("held-out-tasks.txt", 0.4)]
    [InlineData("held-out-tasks.txt", 0.64)]
    public void Run_TextsOfTheEmbeddedModel_TheDefaultMissesLeast(string text, double share)
    {
        var trace = Record(text);
        var slots = (int)(share * trace.Layers * trace.ExpertsPerLayer);

        var misses = Enum.GetValues<EvictionPolicy>().ToDictionary(policy => policy, policy => ExpertCacheSimulator.Run(trace, new() { Slots = slots, Eviction = policy }).Misses);

        Assert.Equal(new CacheSimulationOptions { Slots = slots }.Eviction, misses.MinBy(one => one.Value).Key);
    }

    /// <summary>Some thousand tokens; a token's routing is the same, be it decoded or part of a prompt.</summary>
    private RoutingTrace Record(string text)
    {
        List<int> experts = [];
        var config = nano.Model.Config.Experts!;
        foreach (var ids in nano.Prose(File.ReadAllText(Path.Combine(TestPaths.Nano, text))).Take(6144).Chunk(1024))
        {
            using var cache = nano.Model.CreateCache();
            var trace = new ForwardTrace();
            nano.Model.Forward(ids, cache, LogitRows.Last, trace).Dispose();
            for (var token = 0; token < ids.Length; token++)
            {
                foreach (var layer in trace.Experts.Values)
                    experts.AddRange(layer.GetRange(token * config.ChosenCount, config.ChosenCount));
            }
        }

        return new RoutingTrace(nano.Model.Config.LayerCount - config.FirstDenseLayers, config.RoutedCount, config.ChosenCount, experts.ToArray());
    }
}
