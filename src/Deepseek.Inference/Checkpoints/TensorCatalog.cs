using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Checkpoints;

/// <summary>What a tensor does in a model.</summary>
internal enum TensorPart
{
    Embedding,
    Norm,
    Attention,

    /// <summary><c>kv_b_proj</c>, which latent attention applies row by row and column by column.</summary>
    LatentUp,
    Bias,
    Dense,
    SharedExperts,
    RoutedExperts,
    Router,
    SelectionBias,

    /// <summary><c>eh_proj</c>, which joins embedding and hidden state of a multi-token-prediction layer.</summary>
    Joint,
    Head,
}

/// <summary>A tensor that a model of some configuration has.</summary>
/// <param name="Name">Its name in a checkpoint.</param>
/// <param name="Part">What it does.</param>
/// <param name="Shape">[rows, columns] of a matrix, [length] of a vector.</param>
/// <param name="Layer">Its layer; −1 outside of layers.</param>
/// <param name="Expert">Its routed expert; −1 elsewhere.</param>
internal sealed record CatalogTensor(string Name, TensorPart Part, IReadOnlyList<long> Shape, int Layer = -1, int Expert = -1)
{
    /// <summary>Whether it is a matrix that activations are multiplied with, so that its precision may be chosen.</summary>
    public bool IsWeight => Shape.Count == 2 && Part != TensorPart.Router;
}

/// <summary>Every tensor of a model, from its configuration alone, in the order in which a forward pass touches them.</summary>
internal static class TensorCatalog
{
    /// <summary>The tensors of the model without multi-token prediction.</summary>
    public static IEnumerable<CatalogTensor> Of(ModelConfig config)
    {
        long vocabulary = config.VocabularySize;
        long hidden = config.HiddenSize;
        yield return new(TensorNames.Embedding, TensorPart.Embedding, [vocabulary, hidden]);
        foreach (var tensor in Enumerable.Range(0, config.LayerCount).SelectMany(layer => LayerOf(config, layer)))
            yield return tensor;
        yield return new(TensorNames.FinalNorm, TensorPart.Norm, [hidden]);
        if (!config.TieWordEmbeddings)
            yield return new(TensorNames.Head, TensorPart.Head, [vocabulary, hidden]);
    }

    /// <summary>The tensors of a multi-token-prediction layer, with the copies of embedding and head that checkpoints carry.</summary>
    public static IEnumerable<CatalogTensor> PredictionOf(ModelConfig config, int index)
    {
        var layer = config.LayerCount + index;
        long vocabulary = config.VocabularySize;
        long hidden = config.HiddenSize;
        return
        [
            Tensor("embed_tokens.weight", TensorPart.Embedding, vocabulary, hidden),
            Tensor("enorm.weight", TensorPart.Norm, hidden),
            Tensor("hnorm.weight", TensorPart.Norm, hidden),
            Tensor("eh_proj.weight", TensorPart.Joint, hidden, 2 * hidden),
            .. LayerOf(config, layer),
            Tensor("shared_head.norm.weight", TensorPart.Norm, hidden),
            Tensor("shared_head.head.weight", TensorPart.Head, vocabulary, hidden),
        ];

        CatalogTensor Tensor(string name, TensorPart part, params long[] shape) => new(TensorNames.Layer(layer, name), part, shape, layer);
    }

    private static IEnumerable<CatalogTensor> LayerOf(ModelConfig config, int layer)
    {
        long hidden = config.HiddenSize;
        return
        [
            new(TensorNames.Layer(layer, "input_layernorm.weight"), TensorPart.Norm, [hidden], layer),
            .. config.LatentAttention is { } latent ? LatentOf(config, latent, layer) : GroupedOf(config, layer),
            new(TensorNames.Layer(layer, "post_attention_layernorm.weight"), TensorPart.Norm, [hidden], layer),
            .. config.Experts is { } experts && experts.IsMixture(layer)
                ? MixtureOf(config, experts, layer)
                : (IEnumerable<CatalogTensor>)FeedForward(TensorNames.Layer(layer, "mlp"), TensorPart.Dense, hidden, config.IntermediateSize, layer),
        ];
    }

    private static IEnumerable<CatalogTensor> LatentOf(ModelConfig config, LatentAttentionConfig shape, int layer)
    {
        long hidden = config.HiddenSize;
        var heads = (long)config.HeadCount;
        var queries = heads * (shape.NopeHeadSize + shape.RopeHeadSize);
        if (shape.QueryRank is { } rank)
        {
            yield return Tensor("q_a_proj.weight", TensorPart.Attention, rank, hidden);
            yield return Tensor("q_a_layernorm.weight", TensorPart.Norm, rank);
            yield return Tensor("q_b_proj.weight", TensorPart.Attention, queries, rank);
        }
        else
        {
            yield return Tensor("q_proj.weight", TensorPart.Attention, queries, hidden);
        }

        yield return Tensor("kv_a_proj_with_mqa.weight", TensorPart.Attention, shape.LatentRank + shape.RopeHeadSize, hidden);
        yield return Tensor("kv_a_layernorm.weight", TensorPart.Norm, shape.LatentRank);
        yield return Tensor("kv_b_proj.weight", TensorPart.LatentUp, heads * (shape.NopeHeadSize + shape.ValueHeadSize), shape.LatentRank);
        yield return Tensor("o_proj.weight", TensorPart.Attention, hidden, heads * shape.ValueHeadSize);

        CatalogTensor Tensor(string name, TensorPart part, params long[] sizes) => new(TensorNames.Layer(layer, $"self_attn.{name}"), part, sizes, layer);
    }

    private static IEnumerable<CatalogTensor> GroupedOf(ModelConfig config, int layer)
    {
        long hidden = config.HiddenSize;
        var queries = (long)config.HeadCount * config.HeadSize;
        var keys = (long)config.KeyValueHeadCount * config.HeadSize;
        foreach (var (projection, rows) in new[] { ("q_proj", queries), ("k_proj", keys), ("v_proj", keys) })
        {
            yield return Tensor($"{projection}.weight", TensorPart.Attention, rows, hidden);
            if (config.AttentionBias)
                yield return Tensor($"{projection}.bias", TensorPart.Bias, rows);
        }

        yield return Tensor("o_proj.weight", TensorPart.Attention, hidden, queries);

        CatalogTensor Tensor(string name, TensorPart part, params long[] sizes) => new(TensorNames.Layer(layer, $"self_attn.{name}"), part, sizes, layer);
    }

    private static List<CatalogTensor> MixtureOf(ModelConfig config, ExpertConfig experts, int layer)
    {
        long hidden = config.HiddenSize;
        var prefix = TensorNames.Layer(layer, "mlp");
        List<CatalogTensor> tensors = [new($"{prefix}.gate.weight", TensorPart.Router, [experts.RoutedCount, hidden], layer)];
        if (experts.Method == RoutingMethod.SigmoidNoAuxiliaryLoss)
            tensors.Add(new($"{prefix}.gate.e_score_correction_bias", TensorPart.SelectionBias, [experts.RoutedCount], layer));
        if (experts.SharedCount > 0)
            tensors.AddRange(FeedForward($"{prefix}.shared_experts", TensorPart.SharedExperts, hidden, (long)experts.SharedCount * experts.IntermediateSize, layer));
        for (var expert = 0; expert < experts.RoutedCount; expert++)
            tensors.AddRange(FeedForward($"{prefix}.experts.{expert}", TensorPart.RoutedExperts, hidden, experts.IntermediateSize, layer, expert));
        return tensors;
    }

    private static CatalogTensor[] FeedForward(string prefix, TensorPart part, long hidden, long inner, int layer, int expert = -1) =>
    [
        new($"{prefix}.gate_proj.weight", part, [inner, hidden], layer, expert),
        new($"{prefix}.up_proj.weight", part, [inner, hidden], layer, expert),
        new($"{prefix}.down_proj.weight", part, [hidden, inner], layer, expert),
    ];
}
