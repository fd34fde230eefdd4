using System.Globalization;

namespace Deepseek.Inference.Checkpoints;

/// <summary>Names of tensors as the hub's checkpoints have them, shared by all supported architectures.</summary>
/// <remarks>Names are those of the weights files of deepseek-ai's DeepSeek-V3 and DeepSeek-R1-Distill repositories.</remarks>
public static class TensorNames
{
    /// <summary>The embedding, [V, D].</summary>
    public const string Embedding = "model.embed_tokens.weight";

    /// <summary>The norm after the last layer, [D].</summary>
    public const string FinalNorm = "model.norm.weight";

    /// <summary>The output head, [V, D]; may be absent where it is the embedding.</summary>
    public const string Head = "lm_head.weight";

    private const string Weight = ".weight";
    private const string WeightScale = ".weight_scale_inv";

    /// <summary>A tensor of a decoder layer, or of a multi-token-prediction layer: those go on counting after the last decoder layer.</summary>
    /// <param name="layer">The layer's number, from 0.</param>
    /// <param name="part">The rest of the name, such as <c>self_attn.q_a_proj.weight</c>.</param>
    /// <exception cref="ArgumentException"><paramref name="layer"/> is negative or <paramref name="part"/> empty.</exception>
    public static string Layer(int layer, string part)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentException.ThrowIfNullOrEmpty(part);
        return string.Create(CultureInfo.InvariantCulture, $"model.layers.{layer}.{part}");
    }

    /// <summary>A weight of a routed expert.</summary>
    /// <param name="layer">The layer's number, from 0.</param>
    /// <param name="expert">The expert's number, from 0.</param>
    /// <param name="projection"><c>gate_proj</c>, <c>up_proj</c> or <c>down_proj</c>.</param>
    /// <exception cref="ArgumentException">A number is negative or <paramref name="projection"/> empty.</exception>
    public static string Expert(int layer, int expert, string projection)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(expert);
        ArgumentException.ThrowIfNullOrEmpty(projection);
        return Layer(layer, string.Create(CultureInfo.InvariantCulture, $"mlp.experts.{expert}.{projection}{Weight}"));
    }

    /// <summary>A weight of the shared experts, which lie in one fused feed-forward.</summary>
    /// <param name="layer">The layer's number, from 0.</param>
    /// <param name="projection"><c>gate_proj</c>, <c>up_proj</c> or <c>down_proj</c>.</param>
    /// <exception cref="ArgumentException"><paramref name="layer"/> is negative or <paramref name="projection"/> empty.</exception>
    public static string SharedExpert(int layer, string projection)
    {
        ArgumentException.ThrowIfNullOrEmpty(projection);
        return Layer(layer, $"mlp.shared_experts.{projection}{Weight}");
    }

    /// <summary>The block scales that belong to an FP8 weight.</summary>
    /// <param name="weight">A name that ends in <c>.weight</c>.</param>
    /// <exception cref="ArgumentException"><paramref name="weight"/> does not end so.</exception>
    public static string ScaleOf(string weight)
    {
        ArgumentNullException.ThrowIfNull(weight);
        if (!weight.EndsWith(Weight, StringComparison.Ordinal))
            throw new ArgumentException($"The name is \"{weight}\"; it must end in {Weight}, since only weights have block scales.", nameof(weight));
        return weight[..^Weight.Length] + WeightScale;
    }

    /// <summary>Whether a name is that of an FP8 weight's block scales.</summary>
    /// <param name="name">The name of a tensor.</param>
    public static bool IsScale(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.EndsWith(WeightScale, StringComparison.Ordinal);
    }
}
