using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Planning;

/// <summary>What follows from a model's shape alone: operations, and bytes of a cache.</summary>
internal static class ModelWork
{
    /// <summary>Operations of attention for one token and one earlier one that it sees, over all layers; a multiply-add is two. The absorbed form: scores over latent and rope, then the weighted latents.</summary>
    /// <remarks>R1 after 4,096 tokens: 4,096 · 61 · 128 heads · 2 · (2 · 512 + 64) = 70 · 10⁹.</remarks>
    public static double AttentionOperations(ModelConfig config)
    {
        var heads = 2.0 * config.LayerCount * config.HeadCount;
        return config.LatentAttention is { } latent ? heads * ((2.0 * latent.LatentRank) + latent.RopeHeadSize) : heads * 2 * config.HeadSize;
    }

    /// <summary>Operations of a prompt token in products with weights: two for every weight that it meets; the head meets the last token of a prompt alone.</summary>
    public static double ProductOperations(ModelConfig config, int promptTokens)
    {
        var counts = ParameterCounts.Of(config);
        var head = (double)config.VocabularySize * config.HiddenSize;
        return 2 * (counts.ActivePerToken - head - counts.Norms + (head / promptTokens));
    }

    /// <summary>Bytes of a cached token over all layers, in the precision that is the default: whole numbers of 16 bits with two scales on the CPU, fp32 on a device and for models without latent attention.</summary>
    public static long CacheBytes(ModelConfig config, bool onDevice)
    {
        const int scales = 2 * sizeof(float);
        long values = config.LatentAttention is { } latent ? (long)latent.LatentRank + latent.RopeHeadSize : 2L * config.KeyValueHeadCount * config.HeadSize;
        return config.LayerCount * (onDevice || config.LatentAttention is null ? sizeof(float) * values : (sizeof(short) * values) + scales);
    }
}
