using Deepseek.Inference.Caching;
using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Evaluation;

/// <summary>What is timed: the prefill of a prompt, the decoding of tokens, or both, each for itself.</summary>
public sealed record ModelBenchmarkOptions
{
    private const int MaxBatch = 1024;
    private const int MaxRepetitions = 1000;

    /// <summary>Tokens of the prompt whose prefill is timed, into an empty cache. Default 512; 0 leaves prefill out.</summary>
    public int PromptTokens { get; init; } = 512;

    /// <summary>Tokens that are decoded for every sequence. Default 64; 0 leaves decoding out.</summary>
    public int NewTokens { get; init; } = 64;

    /// <summary>Tokens that every cache holds before decoding is timed. Default 0.</summary>
    public int Depth { get; init; }

    /// <summary>Sequences that are decoded together, 1 to 1,024. Default 1. They are different texts: their experts differ.</summary>
    public int BatchSize { get; init; } = 1;

    /// <summary>How often each test is timed, 1 to 1,000. Default 3.</summary>
    public int Repetitions { get; init; } = 3;

    /// <summary>Precision of the caches; null (the default) for that which <see cref="CacheOptions.Precision"/> names for the model.</summary>
    public CachePrecision? CachePrecision { get; init; }

    /// <summary>What the tokens follow from. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>Reports every fault at once.</summary>
    /// <param name="config">The model that is to be timed.</param>
    /// <exception cref="ArgumentException">A number is out of its range, the model has too few positions, or whole numbers are asked for where attention is not latent; all faults are named.</exception>
    public void Validate(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        List<string> faults = [];
        if (PromptTokens < 0 || PromptTokens > config.MaxPositions)
            Add($"{nameof(PromptTokens)} is {PromptTokens}; it must be 0 to {config.MaxPositions}, the positions that the model was made for.");
        if (NewTokens < 0)
            Add($"{nameof(NewTokens)} is {NewTokens}; it must be 0 or more.");
        if (Depth < 0)
            Add($"{nameof(Depth)} is {Depth}; it must be 0 or more.");
        if (NewTokens >= 0 && Depth >= 0 && (long)Depth + NewTokens > config.MaxPositions)
            Add($"{nameof(Depth)} is {Depth} and {nameof(NewTokens)} {NewTokens}; together they must be at most {config.MaxPositions}, the positions that the model was made for.{Fitting(config)}");
        if (PromptTokens == 0 && NewTokens == 0)
            Add($"{nameof(PromptTokens)} and {nameof(NewTokens)} are both 0; one of them must be 1 or more, since nothing would be timed.");
        if (BatchSize is < 1 or > MaxBatch)
            Add($"{nameof(BatchSize)} is {BatchSize}; it must be 1 to {MaxBatch}.");
        if (Repetitions is < 1 or > MaxRepetitions)
            Add($"{nameof(Repetitions)} is {Repetitions}; it must be 1 to {MaxRepetitions}.");
        if (CachePrecision is { } precision && !Enum.IsDefined(precision))
            Add($"{nameof(CachePrecision)} is {precision}; it must be Float32, BFloat16, Float16 or Int16.");
        else if (CachePrecision == Caching.CachePrecision.Int16 && config.LatentAttention is null)
            Add($"{nameof(CachePrecision)} is Int16; whole numbers are kept of latent attention alone, which this model does not have. Use Float32, BFloat16 or Float16.");
        if (faults.Count > 0)
            throw new ArgumentException($"{nameof(ModelBenchmarkOptions)}: {string.Join(" ", faults)}");

        void Add(FormattableString fault) => faults.Add(FormattableString.Invariant(fault));
    }

    private string Fitting(ModelConfig config) =>
        NewTokens <= config.MaxPositions ? FormattableString.Invariant($" With so many new tokens a depth of {config.MaxPositions - NewTokens} fits.") : "";
}
