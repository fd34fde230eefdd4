using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Experts;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Models;

/// <summary>Builds the layers of the DeepSeek models, the multi-token-prediction layer among them.</summary>
internal sealed class DeepseekModelBuilder
{
    private readonly IWeights _loader;
    private readonly ModelConfig _config;
    private readonly Dictionary<ExpertId, FeedForwardWeights>? _weights; // null where experts are paged
    private readonly IExpertSource _experts;

    private DeepseekModelBuilder(IWeights loader, ModelConfig config, Dictionary<ExpertId, FeedForwardWeights>? weights, IExpertSource experts) =>
        (_loader, _config, _weights, _experts) = (loader, config, weights, experts);

    public static DeepseekModel Build(IWeights loader, ModelConfig config, ModelOptions options, string path, IDisposable source)
    {
        Dictionary<ExpertId, FeedForwardWeights> weights = [];
        var mixtures = Mixtures(loader, config, options);
        var paged = mixtures.Count > 0 ? loader.Page(mixtures, config.Experts!.IntermediateSize) : null;
        var experts = paged ?? (IExpertSource)new ResidentExperts(weights);
        if (mixtures.Count > 0)
            experts = loader.OnDevice(mixtures, experts);
        var builder = new DeepseekModelBuilder(loader, config, paged is null ? weights : null, experts);
        var layers = Enumerable.Range(0, config.LayerCount).Select(builder.Layer).ToArray();
        builder.LookAhead(layers);
        var routed = paged?.BytesOf(config.LayerCount) ?? weights.Values.Sum(expert => expert.ByteSize);
        var loaded = ModelLoader.Finish(loader, config, options, path, source, config.LatentAttention!.RopeHeadSize, layers, routed);
        var prediction = options.LoadMultiTokenPrediction && config.MultiTokenPredictionLayers > 0 ? builder.Prediction(loaded.Decoder) : null;
        return new DeepseekModel(loaded with { WeightBytes = loader.Bytes + (paged is null ? 0 : paged.BytesOf(int.MaxValue) - routed) }, builder._experts, prediction);
    }

    /// <summary>Layers that have experts.</summary>
    private static List<int> Mixtures(IWeights loader, ModelConfig config, ModelOptions options)
    {
        if (config.Experts is not { } experts)
            return [];
        var layers = Enumerable.Range(0, config.LayerCount).Where(experts.IsMixture).ToList();
        if (options.LoadMultiTokenPrediction && config.MultiTokenPredictionLayers > 0 && loader.Has(TensorNames.Layer(config.LayerCount, "eh_proj.weight")))
            layers.Add(config.LayerCount);
        return layers;
    }

    /// <summary>Lets every layer guess what the next layer with experts will choose.</summary>
    private void LookAhead(DecoderLayer[] layers)
    {
        DecoderLayer? next = null;
        for (var layer = layers.Length - 1; layer >= 0; layer--)
        {
            layers[layer].Ahead = next?.Foresee(_experts);
            next = layers[layer].IsMixture ? layers[layer] : next;
        }
    }

    private DecoderLayer Layer(int layer) => new(
        _loader.Norm(TensorNames.Layer(layer, "input_layernorm.weight"), _config.HiddenSize),
        Attention(TensorNames.Layer(layer, "self_attn")),
        _loader.Norm(TensorNames.Layer(layer, "post_attention_layernorm.weight"), _config.HiddenSize),
        FeedForward(layer));

    private LatentAttention Attention(string prefix)
    {
        var (shape, heads) = (_config.LatentAttention!, (long)_config.HeadCount);
        var queries = heads * (shape.NopeHeadSize + shape.RopeHeadSize);
        var (down, norm, query) = shape.QueryRank is { } rank
            ? (_loader.Matrix($"{prefix}.q_a_proj.weight", rank, _config.HiddenSize),
                _loader.Norm($"{prefix}.q_a_layernorm.weight", rank),
                _loader.Matrix($"{prefix}.q_b_proj.weight", queries, rank))
            : ((WeightMatrix?)null, (RmsNorm?)null, _loader.Matrix($"{prefix}.q_proj.weight", queries, _config.HiddenSize));
        return new LatentAttention(shape, _config.HeadCount, _config.RopeScaling, new LatentAttentionWeights(
            down, norm, query,
            _loader.Matrix($"{prefix}.kv_a_proj_with_mqa.weight", shape.LatentRank + shape.RopeHeadSize, _config.HiddenSize),
            _loader.Norm($"{prefix}.kv_a_layernorm.weight", shape.LatentRank),
            _loader.Matrix($"{prefix}.kv_b_proj.weight", heads * (shape.NopeHeadSize + shape.ValueHeadSize), shape.LatentRank),
            _loader.Matrix($"{prefix}.o_proj.weight", _config.HiddenSize, heads * shape.ValueHeadSize)));
    }

    private IFeedForward FeedForward(int layer)
    {
        var prefix = TensorNames.Layer(layer, "mlp");
        if (_config.Experts is not { } experts || !experts.IsMixture(layer))
            return new SwiGlu(_loader.FeedForward(prefix, _config.IntermediateSize));

        for (var expert = 0; _weights is not null && expert < experts.RoutedCount; expert++)
            _weights.Add(new ExpertId(layer, expert), _loader.Expert(layer, expert, experts.IntermediateSize));

        var bias = experts.Method == RoutingMethod.SigmoidNoAuxiliaryLoss ? SelectionBias($"{prefix}.gate.e_score_correction_bias", experts) : null;
        var router = new ExpertRouter(experts, _loader.Matrix($"{prefix}.gate.weight", experts.RoutedCount, _config.HiddenSize), bias);
        var shared = experts.SharedCount == 0
            ? null
            : new SwiGlu(_loader.FeedForward($"{prefix}.shared_experts", (long)experts.SharedCount * experts.IntermediateSize));
        return new ExpertMixture(layer, router, _experts, shared);
    }

    private float[] SelectionBias(string name, ExpertConfig experts)
    {
        using var bias = _loader.Vector(name, experts.RoutedCount);
        return bias.ToArray<float>();
    }

    /// <summary>The layer after the last one; what it shares with the model may be left out of a checkpoint.</summary>
    private MultiTokenPrediction? Prediction(Decoder decoder)
    {
        var layer = _config.LayerCount;
        var (vocabulary, hidden) = ((long)_config.VocabularySize, (long)_config.HiddenSize);
        if (!_loader.Has(Name("eh_proj.weight")))
            return null;

        return new MultiTokenPrediction(
            _loader.Has(Name("embed_tokens.weight")) ? _loader.Matrix(Name("embed_tokens.weight"), vocabulary, hidden) : decoder.Embedding,
            _loader.Norm(Name("enorm.weight"), hidden),
            _loader.Norm(Name("hnorm.weight"), hidden),
            _loader.Matrix(Name("eh_proj.weight"), hidden, 2 * hidden),
            Layer(layer),
            _loader.Norm(Name("shared_head.norm.weight"), hidden),
            _loader.Has(Name("shared_head.head.weight")) ? _loader.Matrix(Name("shared_head.head.weight"), vocabulary, hidden) : decoder.Head);

        string Name(string rest) => TensorNames.Layer(layer, rest);
    }
}
