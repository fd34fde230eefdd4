using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Store;

/// <summary>How large the residual stream of random weights is.</summary>
internal static class SyntheticStream
{
    // E[(silu(g)·u)²] of standard normal g and u.
    private const double GatedVariance = 0.356;

    // What an average over values that attention weighs unequally keeps of their variance, by and large.
    private const double AttendedVariance = 0.1;

    /// <summary>Standard deviation of the embedding: 1, or that of a head where it is one.</summary>
    public static double Embedding(ModelConfig config) => config.TieWordEmbeddings ? 1 / Math.Sqrt(config.HiddenSize) : 1;

    /// <summary>Standard deviation of the weights of a matrix that writes to the residual stream, such that all of them together weigh no more than the embedding.</summary>
    /// <remarks>
    /// GPT-2's initialization (Radford et al. 2019, §2.3): 1/√(residual layers), two in each decoder layer. The chosen experts are K, each with its weight: 1/K of the scale, where weights are
    /// renormalised.
    /// </remarks>
    /// <param name="config">The model.</param>
    /// <param name="columns">Columns of the matrix.</param>
    /// <param name="routed">Whether it is a routed expert's.</param>
    public static double Writing(ModelConfig config, long columns, bool routed)
    {
        var one = Embedding(config) / Math.Sqrt(2.0 * config.LayerCount * columns);
        return routed ? one * Math.Sqrt(config.Experts!.ChosenCount) / config.Experts.Scale : one;
    }

    /// <summary>Root mean square of the stream at a layer's router, the embedding's deviation being 1.</summary>
    public static float Length(ModelConfig config, int layer, float? carrier)
    {
        var embedding = 1 + (carrier is { } value ? ((value * value) - 1) / config.HiddenSize : 0);
        var writes = AttendedVariance * (layer + 1);
        for (var before = 0; before < layer; before++)
            writes += GatedVariance * FeedForwards(config.Experts!, before);
        return (float)Math.Sqrt(embedding + (writes / (2.0 * config.LayerCount)));
    }

    /// <summary>Feed-forwards of a layer that write in full: the weights of a softmax that are not renormalised are small.</summary>
    private static int FeedForwards(ExpertConfig experts, int layer) =>
        !experts.IsMixture(layer) ? 1 : (experts.SharedCount > 0 ? 1 : 0) + (experts.Renormalise ? 1 : 0);
}
