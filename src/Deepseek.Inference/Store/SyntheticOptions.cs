using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Store;

/// <summary>How a store of random weights is made.</summary>
public sealed record SyntheticOptions
{
    /// <summary>Decoder layers, the dense ones among them, 1 to the model's count; null (the default) for all.</summary>
    public int? Layers { get; init; }

    /// <summary>Whether the multi-token-prediction layers are part of the store. Default false.</summary>
    public bool MultiTokenPrediction { get; init; }

    /// <summary>How unequally experts are used: the exponent of a Zipf law, 0 to 2. The experts of each layer are then chosen with frequencies that fall with this power of their rank; ranks are shuffled. Null (the default) for equal use.</summary>
    /// <remarks>A token chooses an expert once at most, so that a steep law is flattened at its head.</remarks>
    public double? Skew { get; init; }

    /// <summary>What the random numbers follow from; any number. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>Threads that write, 1 to 1,024; null (the default) for one a core.</summary>
    public int? Threads { get; init; }

    /// <summary>Reports every fault at once.</summary>
    internal void Validate(ModelConfig config)
    {
        List<string> faults = [];
        if (Layers is { } layers && (layers < 1 || layers > config.LayerCount))
            faults.Add(FormattableString.Invariant($"{nameof(Layers)} is {layers}; it must be 1 to {config.LayerCount}, the model's layers."));
        if (MultiTokenPrediction && config.MultiTokenPredictionLayers == 0)
            faults.Add($"{nameof(MultiTokenPrediction)} is true; it must be false, since the model has no multi-token-prediction layer.");
        if (Skew is { } skew && !(skew is >= 0 and <= 2))
            faults.Add(FormattableString.Invariant($"{nameof(Skew)} is {skew}; it must be 0 to 2."));
        if (Skew is not null && config.Experts is null)
            faults.Add(FormattableString.Invariant($"{nameof(Skew)} is {Skew}; it must be null, since the model has no experts."));
        if (Threads is < 1 or > 1024)
            faults.Add(FormattableString.Invariant($"{nameof(Threads)} is {Threads}; it must be 1 to 1024."));
        if (faults.Count > 0)
            throw new ArgumentException($"{nameof(SyntheticOptions)}: {string.Join(" ", faults)}");
    }
}
