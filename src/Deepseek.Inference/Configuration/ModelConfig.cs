namespace Deepseek.Inference.Configuration;

/// <summary>A model's architecture and sizes, as its <c>config.json</c> states them.</summary>
public sealed partial record ModelConfig
{
    private readonly TokenList _endTokens = new([]);

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

    /// <summary>Type of the weights that are not quantized (<c>bfloat16</c>), as the file calls it; null where it does not say. Each tensor states its own.</summary>
    public string? DataType { get; init; }

    /// <summary>How the checkpoint's weights are quantized; null where they are not.</summary>
    public CheckpointQuantization? Quantization { get; init; }

    /// <summary>The token that begins a sequence; null where there is none.</summary>
    public int? BeginToken { get; init; }

    /// <summary>The tokens that end a sequence; may be empty. Copied when set; configurations with the same tokens are equal.</summary>
    public IReadOnlyList<int> EndTokens
    {
        get => _endTokens;
        init => _endTokens = new TokenList(value);
    }
}
