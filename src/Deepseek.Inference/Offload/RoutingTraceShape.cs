namespace Deepseek.Inference.Offload;

/// <summary>The sizes of a routing trace.</summary>
/// <param name="Layers">L: layers that have experts.</param>
/// <param name="ExpertsPerLayer">E: experts of a layer.</param>
/// <param name="Chosen">K: experts that a token uses in a layer.</param>
internal sealed record RoutingTraceShape(int Layers, int ExpertsPerLayer, int Chosen)
{
    /// <summary>More than any model has; what a damaged header states must not ask for gigabytes.</summary>
    public const int MostLayers = 4096;

    /// <summary>What two bytes can tell apart.</summary>
    public const int MostExperts = 65536;

    /// <summary>Numbers of a token, L × K.</summary>
    public int Choices => Layers * Chosen;

    /// <summary>Bytes of a number in a file.</summary>
    public int Width => ExpertsPerLayer <= 256 ? 1 : 2;

    /// <summary>What is wrong with the sizes; empty where nothing is.</summary>
    public IEnumerable<string> Faults()
    {
        if (Layers is < 1 or > MostLayers)
            yield return FormattableString.Invariant($"layers is {Layers}; it must be 1 to {MostLayers}.");
        if (ExpertsPerLayer is < 1 or > MostExperts)
            yield return FormattableString.Invariant($"expertsPerLayer is {ExpertsPerLayer}; it must be 1 to {MostExperts}.");
        else if (Chosen < 1 || Chosen > ExpertsPerLayer)
            yield return FormattableString.Invariant($"chosen is {Chosen}; it must be 1 to {ExpertsPerLayer}, the experts of a layer.");
    }

    /// <summary>Names every size that is out of its range.</summary>
    /// <exception cref="ArgumentException">One is.</exception>
    public void Validate()
    {
        string[] faults = [.. Faults()];
        if (faults.Length > 0)
            throw new ArgumentException($"{nameof(RoutingTrace)}: {string.Join(" ", faults)}");
    }

    /// <summary>What is wrong with a token's experts; null where nothing is.</summary>
    /// <param name="experts">[L, K].</param>
    public string? Fault(ReadOnlySpan<int> experts)
    {
        for (var i = 0; i < experts.Length; i++)
        {
            var (layer, expert) = (i / Chosen, experts[i]);
            if ((uint)expert >= (uint)ExpertsPerLayer)
                return FormattableString.Invariant($"an expert of layer {layer} is {expert}; it must be 0 to {ExpertsPerLayer - 1}.");
            if (experts[(layer * Chosen)..i].Contains(expert))
                return FormattableString.Invariant($"expert {expert} of layer {layer} is there twice; a token's experts of a layer must be distinct.");
        }

        return null;
    }
}
