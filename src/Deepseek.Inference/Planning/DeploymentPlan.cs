using Deepseek.Inference.Configuration;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Planning;

/// <summary>A model's bytes in one precision.</summary>
/// <param name="Precision">The precision of all matrices; <c>default</c> for those that a conversion chooses: NF4, with <c>kv_b_proj</c> in int8.</param>
/// <param name="Bytes">The store.</param>
/// <param name="AlwaysUsedBytes">All but routed experts.</param>
/// <param name="ExpertBytes">One expert; 0 where there are none.</param>
/// <param name="TokenBytes">What a token reads.</param>
public sealed record PrecisionSize(string Precision, long Bytes, long AlwaysUsedBytes, long ExpertBytes, long TokenBytes);

/// <summary>What a change of the machine would bring.</summary>
/// <param name="Change">The change.</param>
/// <param name="DecodeTokensPerSecond">Expected tokens a second under skewed routing with an empty cache.</param>
/// <param name="Speedup">How many times as fast as without the change.</param>
/// <param name="PrefillTokensPerSecond">Tokens a second of a prompt where reading and computing overlap and the slots are full.</param>
public sealed record PlanAdvice(string Change, double DecodeTokensPerSecond, double Speedup, double PrefillTokensPerSecond);

/// <summary>What a machine will do with a model, and why.</summary>
public sealed record DeploymentPlan
{
    /// <summary>The model, with as many layers as were asked for.</summary>
    public required ModelConfig Model { get; init; }

    /// <summary>Its parameters.</summary>
    public required ParameterCounts Parameters { get; init; }

    /// <summary>The machine.</summary>
    public required MachineDescription Machine { get; init; }

    /// <summary>Tokens of context that there is room for.</summary>
    public required int ContextTokens { get; init; }

    /// <summary>The bytes of the store that a conversion makes by default: what is placed and forecast.</summary>
    public required StoreFootprint Footprint { get; init; }

    /// <summary>Bytes by precision, the smallest first.</summary>
    public required IReadOnlyList<PrecisionSize> Sizes { get; init; }

    /// <summary>Where what lies.</summary>
    public required ModelPlacement Placement { get; init; }

    /// <summary>Decoding with an empty cache and with a full one, by what is supposed about routing; empty where the model does not fit.</summary>
    public required IReadOnlyList<DecodeEstimate> Decode { get; init; }

    /// <summary>Expected tokens a second under skewed routing with an empty cache if the processor computed the experts, and the card had none; null where the card has none anyway, or speeds are not known.</summary>
    public double? DecodeWithExpertsOnCpu { get; init; }

    /// <summary>Prefill with nothing in memory and with all slots full; empty where the model does not fit.</summary>
    public required IReadOnlyList<PrefillEstimate> Prefill { get; init; }

    /// <summary>The longest context that fits, with as few experts in memory as can be; at most the model's positions.</summary>
    public required int LargestContext { get; init; }

    /// <summary>Bytes of a cached token, where the cache lies.</summary>
    public required long CacheBytesPerToken { get; init; }

    /// <summary>Changes of the machine, the most useful first; empty where speeds are not known.</summary>
    public required IReadOnlyList<PlanAdvice> Advice { get; init; }

    /// <summary>Whether the model can run.</summary>
    public bool Fits => Placement.Fits;

    /// <summary>Whether experts will be read from a disk whose speed is not known.</summary>
    public bool NeedsDiskSpeed => Fits && Placement.DiskExperts > 0 && Machine.DiskGigabytesPerSecond is null;
}
