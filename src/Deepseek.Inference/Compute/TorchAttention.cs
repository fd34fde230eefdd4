using Deepseek.Inference.Caching;
using Deepseek.Inference.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Deepseek.Inference.Compute;

/// <summary>Attention over a cache in plain tensors, any device: the definition.</summary>
/// <remarks>
/// Axes: T queries of one run, S keys that they see, H heads, G key-value heads, C latent, P nope, R rope, V value, d head size.
/// Queries go in runs so that the scores, [H, T, S], stay within <see cref="MaxScores"/>.
/// </remarks>
internal static class TorchAttention
{
    /// <summary>Scores held at once: 256 MB in fp32.</summary>
    private const long MaxScores = 1L << 26;

    /// <summary>Latent attention in either form, [T, H·V].</summary>
    public static Tensor Latent(
        AttentionForm form, Tensor queryNope, Tensor queryRope, WeightMatrix keyValueUp, SequenceCache cache, int layer, double scale,
        long maxScores = MaxScores)
    {
        var (heads, nopeSize) = (queryNope.shape[1], queryNope.shape[2]);
        var up = keyValueUp.Widen().view(heads, -1, keyValueUp.Columns); // [H, P+V, C]
        var keyUp = up.narrow(1, 0, nopeSize); // W_UK, [H, P, C]
        var valueUp = up.narrow(1, nopeSize, up.shape[1] - nopeSize); // W_UV, [H, V, C]
        var nope = queryNope.transpose(0, 1); // [H, T, P]
        var rope = queryRope.transpose(0, 1); // [H, T, R]

        return InRuns(nope, cache, maxScores, (first, count, visible) =>
        {
            var cached = visible.Read(cache, layer); // [S, C+R]
            var (n, r) = (nope.narrow(1, first, count), rope.narrow(1, first, count));
            return form == AttentionForm.Absorbed
                ? Absorbed(n, r, keyUp, valueUp, cached, visible, scale)
                : Naive(n, r, keyUp, valueUp, cached, visible, scale);
        });
    }

    /// <summary>Grouped-query attention, [T, H·d]: consecutive query heads share a key-value head (arXiv:2305.13245, §2.2).</summary>
    public static Tensor Grouped(Tensor query, SequenceCache cache, int layer, int keyValueHeads, double scale, long maxScores = MaxScores)
    {
        var (heads, size) = (query.shape[1], query.shape[2]);
        var perGroup = heads / keyValueHeads;
        var byHead = query.transpose(0, 1); // [H, T, d]

        return InRuns(byHead, cache, maxScores, (first, count, visible) =>
        {
            var cached = visible.Read(cache, layer).view(-1, 2, keyValueHeads, size); // [S, 2, G, d]
            var keys = cached.select(1, 0).permute(1, 2, 0).repeat_interleave(perGroup, 0); // [H, d, S]
            var values = cached.select(1, 1).transpose(0, 1).repeat_interleave(perGroup, 0); // [H, S, d]
            return Weigh(byHead.narrow(1, first, count).matmul(keys), visible, scale).matmul(values);
        });
    }

    /// <summary>q W_UK meets the latents as they lie in the cache; W_UV is applied to their weighted sum.</summary>
    private static Tensor Absorbed(Tensor nope, Tensor rope, Tensor keyUp, Tensor valueUp, Tensor cached, VisibleKeys visible, double scale)
    {
        var query = cat([nope.matmul(keyUp), rope], -1); // [H, T, C+R]
        var weights = Weigh(query.matmul(cached.t()), visible, scale); // [H, T, S]
        var latent = weights.matmul(cached.narrow(1, 0, keyUp.shape[2])); // [H, T, C]
        return latent.matmul(valueUp.transpose(1, 2)); // [H, T, V]
    }

    /// <summary>Keys and values are expanded from the latents for every head.</summary>
    private static Tensor Naive(Tensor nope, Tensor rope, Tensor keyUp, Tensor valueUp, Tensor cached, VisibleKeys visible, double scale)
    {
        var rank = keyUp.shape[2];
        var latent = cached.narrow(1, 0, rank); // [S, C]
        var keyNope = keyUp.matmul(latent.t()); // [H, P, S]
        var keyRope = cached.narrow(1, rank, rope.shape[2]).t(); // [R, S], one for all heads
        var values = latent.matmul(valueUp.transpose(1, 2)); // [H, S, V]
        var scores = nope.matmul(keyNope).add_(rope.matmul(keyRope), HeldScalar.One); // [H, T, S]
        return Weigh(scores, visible, scale).matmul(values); // [H, T, V]
    }

    private static Tensor Weigh(Tensor scores, VisibleKeys visible, double scale)
    {
        using var factor = scale.ToScalar();
        scores = scores.mul_(factor);
        if (visible.Mask(scores.device) is { } mask)
            scores = scores.add_(mask, HeldScalar.One);
        return scores.softmax(-1);
    }

    /// <summary>Applies a function to runs of queries, and joins its results, each [H, T, width], to [T, H·width].</summary>
    private static Tensor InRuns(Tensor byHead, SequenceCache cache, long maxScores, Func<int, int, VisibleKeys, Tensor> attend)
    {
        using var scope = NewDisposeScope();
        var (heads, tokens) = (byHead.shape[0], (int)byHead.shape[1]);
        var run = (int)Math.Clamp(maxScores / (heads * (cache.Length + tokens)), 1, tokens);
        List<Tensor> results = [];
        for (var first = 0; first < tokens; first += run)
        {
            using var inner = NewDisposeScope();
            var count = Math.Min(run, tokens - first);
            var result = attend(first, count, new VisibleKeys(cache.Length + first, count, cache.Options.Window));
            results.Add(result.transpose(0, 1).flatten(1).MoveToOuterDisposeScope());
        }

        return (results.Count == 1 ? results[0] : cat(results)).MoveToOuterDisposeScope();
    }
}
