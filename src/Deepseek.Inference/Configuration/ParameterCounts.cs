namespace Deepseek.Inference.Configuration;

/// <summary>How many parameters a model has, by what they do. FP8 scales and other traces of quantization do not count.</summary>
/// <remarks>
/// R1 (arXiv:2412.19437v2, §4.2): 671 B in total, 37 B of them active for a token. The multi-token-prediction layer
/// comes on top of that total, as the published checkpoint's 685 B do.
/// </remarks>
public sealed record ParameterCounts
{
    private ParameterCounts()
    {
    }

    /// <summary>The embedding, [V, D].</summary>
    public required long Embedding { get; init; }

    /// <summary>Projections of attention with their biases, over all layers.</summary>
    public required long Attention { get; init; }

    /// <summary>Feed-forwards of the layers without a mixture.</summary>
    public required long Dense { get; init; }

    /// <summary>All routed experts.</summary>
    public required long RoutedExperts { get; init; }

    /// <summary>All shared experts.</summary>
    public required long SharedExperts { get; init; }

    /// <summary>Routers with their selection biases.</summary>
    public required long Router { get; init; }

    /// <summary>The output head, [V, D]; 0 where it is the embedding.</summary>
    public required long Head { get; init; }

    /// <summary>All norms, the final one included.</summary>
    public required long Norms { get; init; }

    /// <summary>The multi-token-prediction layers, with the copies of embedding and head that their checkpoints carry.</summary>
    public required long MultiTokenPrediction { get; init; }

    /// <summary>One routed expert: gate, up and down; 0 for a dense model.</summary>
    public required long OneExpert { get; init; }

    /// <summary>
    /// What a token multiplies with in one pass: everything but the experts that are not chosen and the embedding, of which it
    /// reads one row. The head counts even where it is the embedding. Without multi-token prediction.
    /// </summary>
    public required long ActivePerToken { get; init; }

    /// <summary>The whole model without multi-token prediction.</summary>
    public long Total => checked(Embedding + Attention + Dense + RoutedExperts + SharedExperts + Router + Head + Norms);

    /// <summary>The whole checkpoint.</summary>
    public long TotalWithPrediction => checked(Total + MultiTokenPrediction);

    /// <summary>Counts a model's parameters.</summary>
    /// <param name="config">The model.</param>
    /// <exception cref="ArgumentNullException"><paramref name="config"/> is null.</exception>
    /// <exception cref="OverflowException">A count exceeds 2⁶³ − 1; no parsed configuration does.</exception>
    public static ParameterCounts Of(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        checked
        {
            long layers = config.LayerCount;
            long width = config.HiddenSize;
            var vocabulary = config.VocabularySize * width;
            long mixtures = Enumerable.Range(0, config.LayerCount).Count(layer => IsMixture(config, layer));
            var dense = (layers - mixtures) * 3 * width * config.IntermediateSize;
            var attention = layers * AttentionOf(config);
            var norms = layers * NormsOf(config) + width;
            var (one, routed, shared, router) = config.Experts is { } e ? MixtureOf(e, config) : default;
            var chosen = mixtures * (config.Experts?.ChosenCount ?? 0) * one;
            var always = attention + dense + norms + mixtures * (shared + router) + vocabulary;
            return new ParameterCounts
            {
                Embedding = vocabulary,
                Attention = attention,
                Dense = dense,
                RoutedExperts = mixtures * routed,
                SharedExperts = mixtures * shared,
                Router = mixtures * router,
                Head = config.TieWordEmbeddings ? 0 : vocabulary,
                Norms = norms,
                MultiTokenPrediction = PredictionOf(config, routed + shared + router),
                OneExpert = one,
                ActivePerToken = always + chosen,
            };
        }
    }

    private static bool IsMixture(ModelConfig config, int layer) => config.Experts?.IsMixture(layer) == true;

    private static long AttentionOf(ModelConfig config)
    {
        checked
        {
            long width = config.HiddenSize;
            long heads = config.HeadCount;
            if (config.LatentAttention is not { } a)
            {
                var queries = heads * config.HeadSize;
                var keys = (long)config.KeyValueHeadCount * config.HeadSize;
                var biases = config.AttentionBias ? queries + 2 * keys : 0;
                return 2 * queries * width + 2 * keys * width + biases;
            }

            var head = (long)a.NopeHeadSize + a.RopeHeadSize;
            var query = a.QueryRank is { } rank ? width * rank + rank * heads * head : width * heads * head;
            var latent = width * ((long)a.LatentRank + a.RopeHeadSize) + a.LatentRank * heads * ((long)a.NopeHeadSize + a.ValueHeadSize);
            return query + latent + heads * a.ValueHeadSize * width;
        }
    }

    // Before attention and before the feed-forward, and over the compressed query and the latent.
    private static long NormsOf(ModelConfig config) =>
        2L * config.HiddenSize + (config.LatentAttention is { } a ? (a.QueryRank ?? 0L) + a.LatentRank : 0);

    private static (long One, long Routed, long Shared, long Router) MixtureOf(ExpertConfig experts, ModelConfig config)
    {
        checked
        {
            var one = 3L * config.HiddenSize * experts.IntermediateSize;
            var bias = experts.Method == RoutingMethod.SigmoidNoAuxiliaryLoss ? experts.RoutedCount : 0;
            return (one, experts.RoutedCount * one, experts.SharedCount * one, (long)experts.RoutedCount * config.HiddenSize + bias);
        }
    }

    // eh_proj [D, 2D], enorm, hnorm and the head's norm around one decoder layer. arXiv:2412.19437v2, §2.2.
    private static long PredictionOf(ModelConfig config, long mixture)
    {
        checked
        {
            long width = config.HiddenSize;
            var around = 2 * width * width + 3 * width + 2 * config.VocabularySize * width;
            long sum = 0;
            for (var i = 0; i < config.MultiTokenPredictionLayers; i++)
            {
                var feedForward = IsMixture(config, config.LayerCount + i) ? mixture : 3 * width * config.IntermediateSize;
                sum += around + AttentionOf(config) + NormsOf(config) + feedForward;
            }

            return sum;
        }
    }
}
