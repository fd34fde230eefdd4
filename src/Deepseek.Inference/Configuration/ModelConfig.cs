namespace Deepseek.Inference.Configuration;

/// <summary>A model's architecture and sizes, as its <c>config.json</c> states them.</summary>
public sealed partial record ModelConfig
{
    /// <summary>The architecture; decides which model class computes it.</summary>
    public required ModelArchitecture Architecture { get; init; }

    /// <summary>Rows of the embedding and of the output head.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>D: width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Inner width of the dense feed-forward layers.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Decoder layers, without multi-token-prediction layers.</summary>
    public required int LayerCount { get; init; }

    /// <summary>H: attention heads.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Key and value heads of grouped-query attention; equals <see cref="HeadCount"/> where heads are not grouped.</summary>
    public required int KeyValueHeadCount { get; init; }

    /// <summary>Width of one head of grouped-query attention; for latent attention nope + rope.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Positions that the model was made for, in tokens.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>ε of every RMSNorm.</summary>
    public required double RmsNormEpsilon { get; init; }

    /// <summary>Base of the rotary frequencies.</summary>
    public required double RopeTheta { get; init; }

    /// <summary>Rotary scaling; null for plain rotary embedding.</summary>
    public RopeScaling? RopeScaling { get; init; }

    /// <summary>The output head is the embedding.</summary>
    public bool TieWordEmbeddings { get; init; }

    /// <summary>Queries, keys and values have biases (Qwen2).</summary>
    public bool AttentionBias { get; init; }

    /// <summary>Shape of latent attention; null for the distilled models.</summary>
    public LatentAttentionConfig? LatentAttention { get; init; }

    /// <summary>Shape of the expert mixture; null for the distilled models.</summary>
    public ExpertConfig? Experts { get; init; }

    /// <summary>Multi-token-prediction layers that follow the decoder layers; 0 where there are none.</summary>
    public int MultiTokenPredictionLayers { get; init; }

    /// <summary>How the checkpoint's weights are quantized; null where they are not.</summary>
    public CheckpointQuantization? Quantization { get; init; }

    /// <summary>The token that begins a sequence; null where there is none.</summary>
    public int? BeginToken { get; init; }

    /// <summary>The tokens that end a sequence; may be empty.</summary>
    public IReadOnlyList<int> EndTokens { get; init; } = [];
}

/// <summary>Shape of multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, §2.1).</summary>
/// <param name="QueryRank">Width of the compressed query; null where queries are not compressed.</param>
/// <param name="LatentRank">C: width of the compressed key-value vector that the cache holds.</param>
/// <param name="NopeHeadSize">P: part of a head without positions.</param>
/// <param name="RopeHeadSize">R: part of a head that rotates; shared by all heads of the keys.</param>
/// <param name="ValueHeadSize">V: width of a head's values.</param>
public sealed record LatentAttentionConfig(int? QueryRank, int LatentRank, int NopeHeadSize, int RopeHeadSize, int ValueHeadSize);

/// <summary>How a router scores experts and chooses among them.</summary>
public enum RoutingMethod
{
    /// <summary>Sigmoid scores, a selection bias, groups ranked by their two best (V3, R1): <c>noaux_tc</c>.</summary>
    SigmoidNoAuxiliaryLoss,

    /// <summary>Softmax scores, the best of all (V2-Lite): <c>greedy</c>.</summary>
    SoftmaxGreedy,

    /// <summary>Softmax scores, groups ranked by their best expert (V2): <c>group_limited_greedy</c>.</summary>
    SoftmaxGroupLimited,
}

/// <summary>Shape of the expert mixture (DeepSeekMoE, arXiv:2412.19437, §2.1.2).</summary>
/// <param name="RoutedCount">E: routed experts of a layer.</param>
/// <param name="SharedCount">Shared experts, fused into one feed-forward of that many times the width; may be 0.</param>
/// <param name="ChosenCount">K: routed experts of a token.</param>
/// <param name="IntermediateSize">I: inner width of one expert.</param>
/// <param name="FirstDenseLayers">Layers at the start that have a dense feed-forward instead of a mixture.</param>
/// <param name="LayerFrequency">Every how many layers is a mixture, counted from layer 0; 1 in all published models.</param>
/// <param name="GroupCount">G: groups of experts; 1 where there are none.</param>
/// <param name="KeptGroups">Gk: groups that survive; 1 where there are no groups.</param>
/// <param name="Method">How experts are scored and chosen.</param>
/// <param name="Renormalise">The chosen weights are divided by their sum.</param>
/// <param name="Scale">Factor of the weights, applied last.</param>
public sealed record ExpertConfig(
    int RoutedCount, int SharedCount, int ChosenCount, int IntermediateSize, int FirstDenseLayers, int LayerFrequency,
    int GroupCount, int KeptGroups, RoutingMethod Method, bool Renormalise, double Scale)
{
    /// <summary>Whether a decoder layer has a mixture rather than a dense feed-forward.</summary>
    /// <param name="layer">The layer's number, from 0.</param>
    public bool IsMixture(int layer) => layer >= FirstDenseLayers && layer % LayerFrequency == 0;
}

/// <summary>How a checkpoint's weights are quantized, as <c>quantization_config</c> states it.</summary>
/// <param name="Method"><c>fp8</c> or <c>bitsandbytes</c>.</param>
/// <param name="BlockRows">Rows of an FP8 block that share a scale (128); 0 for other methods.</param>
/// <param name="BlockColumns">Columns of an FP8 block that share a scale (128); 0 for other methods.</param>
public sealed record CheckpointQuantization(string Method, int BlockRows, int BlockColumns);
