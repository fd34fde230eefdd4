using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Generation;

/// <summary>How a sequence is continued.</summary>
public sealed record GenerationOptions
{
    /// <summary>Tokens at most, 1 or more; null (the default) for as many as the context holds.</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>How tokens are chosen; what is unset comes from the model's <c>generation_config.json</c>.</summary>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>A chain in an order of your own, in place of the one that <see cref="Sampling"/> describes; its seed is still used. Null by default.</summary>
    public SamplerChain? Chain { get; init; }

    /// <summary>Tokens that end the sequence; null (the default) for the model's own, empty for none.</summary>
    public IReadOnlyList<int>? EndTokens { get; init; }

    /// <summary>Further rules that end the sequence, such as stop strings.</summary>
    public IReadOnlyList<StopRule> StopRules { get; init; } = [];

    /// <summary>How many of the most probable tokens are reported beside each, 0 (the default) to 100.</summary>
    public int Alternatives { get; init; }

    /// <summary>Reports every fault at once.</summary>
    internal void Validate()
    {
        List<string> faults = [];
        if (MaxNewTokens < 1)
            faults.Add($"{nameof(MaxNewTokens)} is {MaxNewTokens}; it must be at least 1.");
        if (Alternatives is < 0 or > 100)
            faults.Add($"{nameof(Alternatives)} is {Alternatives}; it must be 0 to 100.");
        if (EndTokens?.Where(id => id < 0).Distinct().Order().ToList() is { Count: > 0 } negative)
            faults.Add($"{nameof(EndTokens)} holds {string.Join(", ", negative)}; token ids must be 0 or more.");
        if (Sampling is null)
            faults.Add($"{nameof(Sampling)} is null; leave it out for the defaults.");
        if (StopRules is null)
            faults.Add($"{nameof(StopRules)} is null; leave it out for none.");
        for (var i = 0; i < (StopRules?.Count ?? 0); i++)
        {
            if (StopRules![i] is null)
                faults.Add($"{nameof(StopRules)}[{i}] is null; every rule must be given.");
        }

        if (faults.Count > 0)
            throw new ArgumentException($"{nameof(GenerationOptions)}: {string.Join(" ", faults)}");
        Sampling!.Validate();
    }
}
