using Deepseek.Inference.Offload;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Offload;

/// <summary>Small routings of any kind, for properties that hold for all of them.</summary>
internal static class Traces
{
    public static readonly Gen<(RoutingTrace Trace, CacheSimulationOptions Options)> Cases =
        from layers in Gen.Choose(1, 4)
        from experts in Gen.Choose(2, 9)
        from chosen in Gen.Choose(1, experts)
        from tokens in Gen.Choose(1, 30)
        from skew in Gen.Elements(0.0, 0.7, 2.0)
        from stay in Gen.Elements(0.0, 0.5)
        from seed in Gen.Choose(0, 1000)
        from slots in Gen.Choose(chosen, (layers * experts) + 2)
        from kind in Gen.Elements(Enum.GetValues<EvictionPolicy>())
        from share in Gen.Elements(false, true)
        select (
            SyntheticTrace.Create(new() { Layers = layers, ExpertsPerLayer = experts, Chosen = chosen, Tokens = tokens, Skew = skew, Stay = stay, Seed = seed }),
            new CacheSimulationOptions { Slots = slots, Eviction = kind, ShareByLayer = share, WarmUpTokens = 0 });
}
