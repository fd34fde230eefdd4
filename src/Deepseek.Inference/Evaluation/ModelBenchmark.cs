using Deepseek.Inference.Caching;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Models;
using Deepseek.Inference.Planning;

namespace Deepseek.Inference.Evaluation;

/// <summary>How fast a model runs: prefill and decoding, timed apart.</summary>
/// <remarks>
/// <para>
/// Tokens are random and new for every sequence and repetition: no cache of prompts or experts can know them, and no model decodes what it has just said. Before each test some tokens pass untimed. A prefill begins with an
/// empty cache and ends with the logits of the prompt's last token; decoding gives every sequence one token a step.
/// </para>
/// <para>Shares of what the machine can do need a <see cref="HardwareProfile"/>. Measure it afterwards where <see cref="PeakMemoryBytes"/> matters: the profile takes up to 1 GiB for itself.</para>
/// </remarks>
/// <example>
/// <code>
/// using var model = await LanguageModel.LoadAsync("v2-lite-store");
/// var benchmark = ModelBenchmark.Measure(model, new ModelBenchmarkOptions { NewTokens = 32 });
/// var share = benchmark.BandwidthShare(HardwareProfile.Measure());
/// </code>
/// </example>
public sealed record ModelBenchmark
{
    /// <summary>What was timed.</summary>
    public required ModelBenchmarkOptions Options { get; init; }

    /// <summary>Tokens of a prompt a second; null where prefill was left out.</summary>
    public TokenSpeed? Prefill { get; init; }

    /// <summary>Decoded tokens a second, those of all sequences together; null where decoding was left out.</summary>
    public TokenSpeed? Decode { get; init; }

    /// <summary>Bytes of weights that were read for a decoded token of one sequence, as they are stored; null where they were neither counted nor can be told.</summary>
    public double? DecodeBytesPerToken { get; init; }

    /// <summary>What paging did while decoding was timed; null where all experts are in memory.</summary>
    public PagingBenchmark? Paging { get; init; }

    /// <summary>Operations of a prompt token in products with weights, a multiply-add as two; the head's, once a prompt, are shared out. Attention over the cache does not count.</summary>
    public required double PrefillOperationsPerToken { get; init; }

    /// <summary>The most memory that the process held until the end, in bytes.</summary>
    public required long PeakMemoryBytes { get; init; }

    /// <summary>What computed: <c>torch</c> or <c>cpu</c>.</summary>
    public required string Operations { get; init; }

    /// <summary>What activations were rounded to before they met the weights.</summary>
    public required ActivationPrecision Activations { get; init; }

    /// <summary>In what precision the caches kept their values.</summary>
    public required CachePrecision CachePrecision { get; init; }

    /// <summary>Bytes of weights that decoding read a second, GB/s (10⁹ bytes); null where they are not known.</summary>
    public double? DecodeGigabytesPerSecond => DecodeBytesPerToken * Decode?.Median / 1e9;

    /// <summary>What share of the machine's memory bandwidth decoding used; null where the bytes are not known.</summary>
    /// <param name="machine">The machine, measured with as many threads.</param>
    public double? BandwidthShare(HardwareProfile machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return DecodeGigabytesPerSecond / machine.MemoryGigabytesPerSecond;
    }

    /// <summary>What share of the machine's arithmetic peak prefill used: of whole numbers where activations were rounded to them; null where prefill was left out.</summary>
    /// <param name="machine">The machine, measured with as many threads.</param>
    public double? PeakShare(HardwareProfile machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return PrefillOperationsPerToken * Prefill?.Median / 1e9 / machine.Peak(Activations);
    }

    /// <summary>Times a model.</summary>
    /// <param name="model">The model; nobody else should use it, nor the machine.</param>
    /// <param name="options">What is timed; null for the defaults.</param>
    /// <param name="progress">Told before every repetition.</param>
    /// <param name="cancellationToken">Ends it between two layers.</param>
    /// <exception cref="ArgumentException">The options are at fault, or ask for more positions than the model has; all faults are named.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static ModelBenchmark Measure(
        LanguageModel model, ModelBenchmarkOptions? options = null, IProgress<ModelBenchmarkProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new ModelBenchmarkOptions();
        options.Validate(model.Config);

        var run = new BenchmarkRun(model, options, progress, cancellationToken);
        var cachePrecision = run.PrecisionOfCaches();
        var prefill = options.PromptTokens > 0 ? run.Prefill() : null;
        var (decode, bytes, paging) = options.NewTokens > 0 ? run.Decode() : (null, null, null);
        return new ModelBenchmark
        {
            Options = options,
            Prefill = prefill,
            Decode = decode,
            DecodeBytesPerToken = bytes,
            Paging = paging,
            PrefillOperationsPerToken = OperationsPerToken(ParameterCounts.Of(model.Config), model.Config, options.PromptTokens),
            PeakMemoryBytes = PeakMemory.Read(),
            Operations = model.ComputesOnKernels ? "cpu" : "torch",
            Activations = model.ComputesOnKernels && IntegerWeights.Prevail(model.Location) ? model.Options.Activations : ActivationPrecision.Fp32,
            CachePrecision = cachePrecision,
        };
    }

    /// <summary>Two for every weight that a token meets in a product: no norm is one, and the head meets the last token of a prompt alone.</summary>
    internal static double OperationsPerToken(ParameterCounts counts, ModelConfig config, int promptTokens)
    {
        var head = (double)config.VocabularySize * config.HiddenSize; // where it is the embedding as well, ParameterCounts.Head is 0
        var body = counts.ActivePerToken - head - counts.Norms;
        return 2 * (body + (promptTokens > 0 ? head / promptTokens : 0));
    }
}
