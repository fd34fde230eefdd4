using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Layers;

/// <summary>Grouped-query attention of the distilled models, with or without biases (arXiv:2305.13245).</summary>
/// <remarks>Rotary pairs are halves, as in Llama's and Qwen's checkpoints.</remarks>
internal sealed partial class GroupedQueryAttention(int heads, int keyValueHeads, int headSize, GroupedQueryWeights weights) : IAttention
{
    private readonly double _scale = 1 / Math.Sqrt(headSize);

    // N tokens, D hidden, H heads, G key-value heads, d head size.
    public Tensor Forward(Tensor x, ForwardPass pass, int cacheLayer) // [N, D]
    {
        using var scope = NewDisposeScope();
        var ops = pass.Operations;

        var query = RotaryEmbedding.TurnHalves(ops.Linear(x, weights.Query, weights.QueryBias).view(-1, heads, headSize), pass); // [N, H, d]
        var key = RotaryEmbedding.TurnHalves(ops.Linear(x, weights.Key, weights.KeyBias).view(-1, keyValueHeads, headSize), pass); // [N, G, d]
        var value = ops.Linear(x, weights.Value, weights.ValueBias); // [N, G·d]
        var cached = cat([key.flatten(1), value], 1); // [N, 2·G·d]

        var seen = pass.PerSequence(segment =>
        {
            segment.Cache.Append(cacheLayer, cached.narrow(0, segment.First, segment.Count));
            return ops.AttendGrouped(query.narrow(0, segment.First, segment.Count), segment.Cache, cacheLayer, keyValueHeads, _scale);
        }); // [N, H·d]
        return ops.Linear(seen, weights.Output).MoveToOuterDisposeScope();
    }

    public void Dispose() => weights.Dispose();
}

/// <summary>The weights of <see cref="GroupedQueryAttention"/>; biases are null where there are none.</summary>
/// <param name="Query"><c>q_proj</c> [H·d, D].</param>
/// <param name="QueryBias">[H·d], fp32.</param>
/// <param name="Key"><c>k_proj</c> [G·d, D].</param>
/// <param name="KeyBias">[G·d], fp32.</param>
/// <param name="Value"><c>v_proj</c> [G·d, D].</param>
/// <param name="ValueBias">[G·d], fp32.</param>
/// <param name="Output"><c>o_proj</c> [D, H·d].</param>
internal sealed record GroupedQueryWeights(
    WeightMatrix Query, Tensor? QueryBias, WeightMatrix Key, Tensor? KeyBias, WeightMatrix Value, Tensor? ValueBias, WeightMatrix Output) : IDisposable
{
    public void Dispose()
    {
        foreach (var weight in new IDisposable?[] { Query, QueryBias, Key, KeyBias, Value, ValueBias, Output })
            weight?.Dispose();
    }
}
