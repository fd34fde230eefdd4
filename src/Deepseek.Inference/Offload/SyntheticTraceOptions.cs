namespace Deepseek.Inference.Offload;

/// <summary>How a routing trace is made up.</summary>
public sealed record SyntheticTraceOptions
{
    /// <summary>Layers that have experts, 1 to 4,096. Default 58, R1's.</summary>
    public int Layers { get; init; } = 58;

    /// <summary>Experts of a layer, 1 to 65,536. Default 256, R1's.</summary>
    public int ExpertsPerLayer { get; init; } = 256;

    /// <summary>Experts that a token uses in a layer. Default 8, R1's.</summary>
    public int Chosen { get; init; } = 8;

    /// <summary>Tokens, 1 to 1,000,000. Default 2,000.</summary>
    public int Tokens { get; init; } = 2000;

    /// <summary>How unequally experts are used: the exponent of a Zipf law over a layer's experts, whose ranks are shuffled, 0 to 4. Default 0: all alike.</summary>
    public double Skew { get; init; }

    /// <summary>With which probability an expert that the token before used is used again, 0 to 1; otherwise another is drawn. Default 0: tokens do not depend on one another.</summary>
    public double Stay { get; init; }

    /// <summary>What the random numbers follow from; any number. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>Reports every fault at once.</summary>
    internal void Validate()
    {
        List<string> faults = [];
        if (Layers is < 1 or > RoutingTraceShape.MostLayers)
            faults.Add(FormattableString.Invariant($"{nameof(Layers)} is {Layers}; it must be 1 to {RoutingTraceShape.MostLayers}."));
        if (ExpertsPerLayer is < 1 or > RoutingTraceShape.MostExperts)
            faults.Add(FormattableString.Invariant($"{nameof(ExpertsPerLayer)} is {ExpertsPerLayer}; it must be 1 to {RoutingTraceShape.MostExperts}."));
        else if (Chosen < 1 || Chosen > ExpertsPerLayer)
            faults.Add(FormattableString.Invariant($"{nameof(Chosen)} is {Chosen}; it must be 1 to {ExpertsPerLayer}, the experts of a layer."));
        if (Tokens is < 1 or > 1_000_000)
            faults.Add(FormattableString.Invariant($"{nameof(Tokens)} is {Tokens}; it must be 1 to 1000000."));
        if (!(Skew is >= 0 and <= 4))
            faults.Add(FormattableString.Invariant($"{nameof(Skew)} is {Skew}; it must be 0 to 4."));
        if (!(Stay is >= 0 and <= 1))
            faults.Add(FormattableString.Invariant($"{nameof(Stay)} is {Stay}; it must be 0 to 1."));
        if (faults.Count == 0 && (long)Layers * Chosen * Tokens > Array.MaxLength)
            faults.Add(FormattableString.Invariant($"{nameof(Tokens)} is {Tokens}; it must be {Array.MaxLength / (Layers * Chosen)} or fewer with {Layers * Chosen} experts a token."));
        if (faults.Count > 0)
            throw new ArgumentException($"{nameof(SyntheticTraceOptions)}: {string.Join(" ", faults)}");
    }
}
