namespace Deepseek.Inference.Sampling;

/// <summary>From logits to a token: processors in order, then a sampler.</summary>
/// <remarks>Immutable; one chain may serve many sequences and threads, if its processors keep to their contract.</remarks>
public sealed class SamplerChain
{
    private readonly ILogitsProcessor[] _processors;

    /// <summary>Creates a chain in the caller's own order.</summary>
    /// <param name="processors">The processors, first to last; none is fine.</param>
    /// <param name="sampler">What chooses the token in the end.</param>
    /// <exception cref="ArgumentException">A processor is null.</exception>
    public SamplerChain(IEnumerable<ILogitsProcessor> processors, ISampler sampler)
    {
        ArgumentNullException.ThrowIfNull(processors);
        ArgumentNullException.ThrowIfNull(sampler);
        _processors = [.. processors];
        if (Array.IndexOf(_processors, null) is var missing and >= 0)
            throw new ArgumentException($"processors[{missing}] is null; every processor must be given.", nameof(processors));
        Sampler = sampler;
    }

    /// <summary>The processors, first to last.</summary>
    public IReadOnlyList<ILogitsProcessor> Processors => Array.AsReadOnly(_processors);

    /// <summary>What chooses the token in the end.</summary>
    public ISampler Sampler { get; }

    /// <summary>Creates the chain of the options, in the standard order.</summary>
    /// <param name="options">The settings; what is unset is off. Call <see cref="SamplingOptions.Or"/> first to fill in the model's defaults.</param>
    /// <remarks>
    /// The order is that of Hugging Face transformers (generation/utils.py, _get_logits_processor): repetition penalty,
    /// frequency and presence penalty, logit bias, the user's processors, temperature, top-k, top-p, min-p, typical. At
    /// temperature 0 the best token is taken: the filters could not remove it and are left out, while penalties, bias and the
    /// user's processors still apply.
    /// </remarks>
    /// <exception cref="ArgumentException">A setting is out of range; all faults are named.</exception>
    public static SamplerChain Create(SamplingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        List<ILogitsProcessor> processors = [];

        if (options.RepetitionPenalty is { } repetition and not 1)
            processors.Add(new RepetitionPenalty(repetition));
        if (options.FrequencyPenalty is { } and not 0 || options.PresencePenalty is { } and not 0)
            processors.Add(new FrequencyPresencePenalty(options.FrequencyPenalty ?? 0, options.PresencePenalty ?? 0));
        if (options.LogitBias is { Count: > 0 } bias)
            processors.Add(new LogitBias(bias));
        processors.AddRange(options.Processors ?? []);
        if (options.Temperature == 0)
            return new SamplerChain(processors, new GreedySampler());

        if (options.Temperature is { } temperature and not 1)
            processors.Add(new Temperature(temperature));
        if (options.TopK is { } topK and not 0)
            processors.Add(new TopK(topK));
        if (options.TopP is { } topP and not 1)
            processors.Add(new TopP(topP));
        if (options.MinP is { } minP and not 0)
            processors.Add(new MinP(minP));
        if (options.TypicalP is { } typical and not 1)
            processors.Add(new Typical(typical));
        return new SamplerChain(processors, new MultinomialSampler());
    }

    /// <summary>Chooses the next token of a sequence.</summary>
    /// <param name="logits">The model's logits, <c>[vocabulary]</c>; the processors change them in place.</param>
    /// <param name="context">The tokens so far, and the step.</param>
    /// <param name="seed">The sequence's seed; with the step it decides the draw, whatever was drawn before or beside it.</param>
    /// <returns>The token's id.</returns>
    /// <exception cref="ArgumentException">The history or a logit bias names a token that the row has no logit for.</exception>
    /// <exception cref="InvalidLogitsException">The processed row holds NaN, +∞ or no token.</exception>
    public int Next(Span<float> logits, in SamplingContext context, long seed)
    {
        Process(logits, context);
        var random = new SamplingRandom(seed, context.Step);
        return Sampler.Sample(logits, ref random);
    }

    /// <summary>The probabilities with which <see cref="Next"/> would choose each token.</summary>
    /// <param name="logits">The model's logits, <c>[vocabulary]</c>; the processors change them in place.</param>
    /// <param name="context">The tokens so far.</param>
    /// <param name="destination">Receives one probability a token, <c>[vocabulary]</c>.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> has another length than <paramref name="logits"/>, or the history or a logit bias names a token that the row has no logit for.</exception>
    /// <exception cref="InvalidLogitsException">The processed row holds NaN, +∞ or no token.</exception>
    public void Probabilities(Span<float> logits, in SamplingContext context, Span<float> destination)
    {
        LogitRow.RequireSameLength(logits, destination);
        Process(logits, context);
        Sampler.Probabilities(logits, destination);
    }

    private void Process(Span<float> logits, in SamplingContext context)
    {
        foreach (var processor in _processors)
            processor.Process(logits, context);
    }
}
