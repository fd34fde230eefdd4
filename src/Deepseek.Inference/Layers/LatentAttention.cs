using Deepseek.Inference.Configuration;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Layers;

/// <summary>Multi-head latent attention: keys and values are compressed to one latent a token (DeepSeek-V2, arXiv:2405.04434, §2.1).</summary>
/// <remarks>deepseek-ai/DeepSeek-V3@9b4e978 inference/model.py (MLA). Rotary pairs are interleaved.</remarks>
internal sealed partial class LatentAttention(LatentAttentionConfig shape, int heads, RopeScaling? scaling, LatentAttentionWeights weights) : IAttention
{
    private readonly double _scale = SoftmaxScale(shape, scaling);

    /// <summary>(P + R)^−½, times the square of YaRN's magnitude over all dimensions where that is set.</summary>
    public static double SoftmaxScale(LatentAttentionConfig shape, RopeScaling? scaling)
    {
        var scale = 1 / Math.Sqrt(shape.NopeHeadSize + shape.RopeHeadSize);
        if (scaling is not YarnRopeScaling yarn)
            return scale;
        var magnitude = RotaryFrequencies.YarnMagnitude(yarn.Factor, yarn.MagnitudeAllDimensions);
        return scale * magnitude * magnitude;
    }

    // N tokens, D hidden, H heads, C latent, P nope, R rope, V value.
    public Tensor Forward(Tensor x, ForwardPass pass, int cacheLayer) // [N, D]
    {
        using var scope = NewDisposeScope();
        var ops = pass.Operations;

        var compressed = ops.Linear(x, weights.KeyValueDown); // [N, C+R]
        var latent = weights.LatentNorm.Forward(compressed.narrow(1, 0, shape.LatentRank), pass); // [N, C]
        var keyRope = RotaryEmbedding.TurnInterleaved(compressed.narrow(1, shape.LatentRank, shape.RopeHeadSize), pass); // [N, R]
        var cached = cat([latent, keyRope], 1); // [N, C+R]

        var queries = Queries(x, pass).view(-1, heads, shape.NopeHeadSize + shape.RopeHeadSize); // [N, H, P+R]
        var nope = queries.narrow(2, 0, shape.NopeHeadSize);
        var rope = RotaryEmbedding.TurnInterleaved(queries.narrow(2, shape.NopeHeadSize, shape.RopeHeadSize), pass);

        var seen = pass.PerSequence(segment =>
        {
            segment.Cache.Append(cacheLayer, cached.narrow(0, segment.First, segment.Count));
            return ops.AttendLatent(
                nope.narrow(0, segment.First, segment.Count), rope.narrow(0, segment.First, segment.Count),
                weights.KeyValueUp, segment.Cache, cacheLayer, _scale);
        }); // [N, H·V]
        return ops.Linear(seen, weights.Output).MoveToOuterDisposeScope();
    }

    public void Dispose() => weights.Dispose();

    private Tensor Queries(Tensor x, ForwardPass pass) => weights.QueryDown is null
        ? pass.Operations.Linear(x, weights.Query)
        : pass.Operations.Linear(weights.QueryNorm!.Forward(pass.Operations.Linear(x, weights.QueryDown), pass), weights.Query);
}

/// <summary>The weights of <see cref="LatentAttention"/>.</summary>
/// <param name="QueryDown"><c>q_a_proj</c> [query rank, D]; null where queries are not compressed.</param>
/// <param name="QueryNorm"><c>q_a_layernorm</c>; null where queries are not compressed.</param>
/// <param name="Query"><c>q_b_proj</c> [H·(P+R), query rank], or <c>q_proj</c> [H·(P+R), D].</param>
/// <param name="KeyValueDown"><c>kv_a_proj_with_mqa</c> [C+R, D].</param>
/// <param name="LatentNorm"><c>kv_a_layernorm</c>.</param>
/// <param name="KeyValueUp"><c>kv_b_proj</c> [H·(P+V), C].</param>
/// <param name="Output"><c>o_proj</c> [D, H·V].</param>
internal sealed record LatentAttentionWeights(
    WeightMatrix? QueryDown, RmsNorm? QueryNorm, WeightMatrix Query, WeightMatrix KeyValueDown, RmsNorm LatentNorm, WeightMatrix KeyValueUp, WeightMatrix Output) : IDisposable
{
    public void Dispose()
    {
        foreach (var weight in new IDisposable?[] { QueryDown, QueryNorm, Query, KeyValueDown, LatentNorm, KeyValueUp, Output })
            weight?.Dispose();
    }
}
