namespace Deepseek.Inference.Sampling;

/// <summary>How tokens are chosen. What is unset comes from the model's <c>generation_config.json</c>, and is off if that says nothing.</summary>
public sealed record SamplingOptions
{
    /// <summary>What logits are divided by, 0 or more; 0 always takes the best token, 1 changes nothing.</summary>
    /// <value>Default: unset.</value>
    public double? Temperature { get; init; }

    /// <summary>How many of the best tokens are kept; 0 keeps all.</summary>
    /// <value>Default: unset.</value>
    public int? TopK { get; init; }

    /// <summary>Keeps the fewest best tokens whose probabilities reach this, 0 to 1; 1 keeps all.</summary>
    /// <value>Default: unset.</value>
    public double? TopP { get; init; }

    /// <summary>Removes tokens less probable than this share of the best token's probability, 0 to 1; 0 removes none.</summary>
    /// <value>Default: unset.</value>
    public double? MinP { get; init; }

    /// <summary>Keeps the most typical tokens whose probabilities reach this, more than 0 and at most 1; 1 keeps all.</summary>
    /// <value>Default: unset.</value>
    public double? TypicalP { get; init; }

    /// <summary>The factor against tokens of the prompt and of the text so far, more than 0; 1 changes nothing.</summary>
    /// <value>Default: unset.</value>
    public double? RepetitionPenalty { get; init; }

    /// <summary>Subtracted from a generated token's logit for each time it occurred, −2 to 2.</summary>
    /// <value>Default: unset, which is 0: a model's file has no such setting.</value>
    public double? FrequencyPenalty { get; init; }

    /// <summary>Subtracted once from the logit of every generated token, −2 to 2.</summary>
    /// <value>Default: unset, which is 0: a model's file has no such setting.</value>
    public double? PresencePenalty { get; init; }

    /// <summary>What is added to the logits of named tokens: finite, or −∞ to ban the token.</summary>
    /// <value>Default: unset.</value>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }

    /// <summary>Decides the draws: the same seed, logits and settings give the same tokens.</summary>
    /// <value>Default: unset, which takes a new seed (<see cref="SamplingRandom.NewSeed"/>); the result reports it.</value>
    public long? Seed { get; init; }

    /// <summary>The caller's own processors; they run after the penalties and the logit bias, before the temperature and the filters.</summary>
    /// <value>Default: none. For any other order, build a <see cref="SamplerChain"/> directly.</value>
    public IReadOnlyList<ILogitsProcessor>? Processors { get; init; }

    /// <summary>Reports every fault of these settings at once.</summary>
    /// <exception cref="ArgumentException">A setting is out of range; the message names each one, its value and its range.</exception>
    public void Validate()
    {
        List<string> faults = [];
        Check(SettingRange.Temperature, nameof(Temperature), Temperature);
        Check(SettingRange.TopK, nameof(TopK), TopK);
        Check(SettingRange.TopP, nameof(TopP), TopP);
        Check(SettingRange.MinP, nameof(MinP), MinP);
        Check(SettingRange.TypicalP, nameof(TypicalP), TypicalP);
        Check(SettingRange.RepetitionPenalty, nameof(RepetitionPenalty), RepetitionPenalty);
        Check(SettingRange.CountPenalty, nameof(FrequencyPenalty), FrequencyPenalty);
        Check(SettingRange.CountPenalty, nameof(PresencePenalty), PresencePenalty);
        if (LogitBias is not null)
            faults.AddRange(Sampling.LogitBias.Faults(nameof(LogitBias), LogitBias));
        for (var i = 0; i < (Processors?.Count ?? 0); i++)
        {
            if (Processors![i] is null)
                faults.Add($"{nameof(Processors)}[{i}] is null; every processor must be given.");
        }

        if (faults.Count > 0)
            throw new ArgumentException($"{nameof(SamplingOptions)}: {string.Join(" ", faults)}");

        void Check(SettingRange range, string name, double? value)
        {
            if (value is { } set && range.Fault(name, set) is { } fault)
                faults.Add(fault);
        }
    }

    /// <summary>These settings, with the model's defaults where nothing is set.</summary>
    /// <param name="defaults">The model's defaults; <see cref="GenerationDefaults.None"/> for a model without any.</param>
    public SamplingOptions Or(GenerationDefaults defaults)
    {
        ArgumentNullException.ThrowIfNull(defaults);
        return this with
        {
            Temperature = Temperature ?? defaults.Temperature,
            TopK = TopK ?? defaults.TopK,
            TopP = TopP ?? defaults.TopP,
            MinP = MinP ?? defaults.MinP,
            TypicalP = TypicalP ?? defaults.TypicalP,
            RepetitionPenalty = RepetitionPenalty ?? defaults.RepetitionPenalty,
        };
    }
}
