using Deepseek.Inference.Configuration;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Models;

/// <summary>How much memory passes take beside weights and caches, on the CPU operations: an estimate from the shapes, on the safe side.</summary>
internal static class PassMemory
{
    private const long Single = sizeof(float);
    private const long SingleAndRounded = sizeof(float) + sizeof(short);

    // Query rows of latent attention pass in blocks of so many bytes (CpuLatentAttention), and what was seen and partial sums take as much each.
    private const long AttentionBlock = 64 << 20;
    private const int AttentionBuffers = 3;

    // Widened rows and results of a unit, of each thread.
    private const long PerThread = 2 << 20;

    /// <summary>Bytes for each token of a chunk.</summary>
    public static long OfToken(ModelConfig config)
    {
        var hidden = (long)config.HiddenSize;
        var bytes = hidden * ((3 * Single) + SingleAndRounded); // stream, output, angles and ids; normed
        var inner = (long)config.IntermediateSize;
        if (config.LatentAttention is { } latent)
        {
            var heads = (long)config.HeadCount;
            bytes += heads * (latent.NopeHeadSize + latent.RopeHeadSize) * Single;
            bytes += heads * latent.ValueHeadSize * SingleAndRounded;
            bytes += (latent.LatentRank + latent.RopeHeadSize) * Single;
            bytes += (latent.QueryRank ?? 0) * SingleAndRounded;
        }
        else
        {
            bytes += 4 * hidden * Single; // queries, keys, values and what was seen
        }

        if (config.Experts is { } experts)
        {
            inner = Math.Max(inner, (long)(experts.ChosenCount + experts.SharedCount) * experts.IntermediateSize);
            bytes += (experts.ChosenCount + 1L) * hidden * Single; // results by place, and the shared expert's
            bytes += (experts.RoutedCount + (4L * experts.ChosenCount)) * Single;
        }

        return bytes + (inner * SingleAndRounded);
    }

    /// <summary>Bytes whatever a chunk's length.</summary>
    /// <param name="config">The model.</param>
    /// <param name="tokens">Tokens of a chunk.</param>
    /// <param name="threads">Threads that compute.</param>
    public static long Fixed(ModelConfig config, int tokens, int threads)
    {
        var rows = config.LatentAttention is { } latent ? (long)tokens * config.HeadCount * (latent.LatentRank + latent.RopeHeadSize) * Single : 0;
        return (AttentionBuffers * Math.Min(AttentionBlock, rows)) + (threads * PerThread) + (2L * config.VocabularySize * Single);
    }

    /// <summary>Bytes of the caches of a context: they grow in powers of two, and a layer's moves while it grows.</summary>
    /// <param name="config">The model.</param>
    /// <param name="tokens">Tokens.</param>
    /// <param name="valueBytes">Bytes of a value.</param>
    public static long OfCache(ModelConfig config, int tokens, int valueBytes)
    {
        var latent = config.LatentAttention;
        var values = latent is not null ? latent.LatentRank + latent.RopeHeadSize + (2L * sizeof(float) / valueBytes) : 2L * config.HiddenSize;
        return (long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)tokens) * values * valueBytes * (config.LayerCount + 1);
    }

    /// <summary>Threads that compute.</summary>
    public static int Threads(ModelOptions options) => options.Threads ?? Math.Min(Environment.ProcessorCount, ThreadTeam.MaxThreads);
}
