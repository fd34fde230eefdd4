using Deepseek.Inference.Caching;
using Deepseek.Inference.Quantization;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Deepseek.Inference.Compute;

/// <summary>The operations in plain TorchSharp, on any device: the definition that every other implementation is held against.</summary>
internal sealed class TorchOperations(AttentionForm form) : IComputeOperations
{
    /// <summary>Weights widened at once: 4 MB in fp32, so that a tile is still in the cache when it is used.</summary>
    private const long TileElements = 1 << 20;

    /// <summary>The same on a device, where starting an operation costs more than memory does: 64 MB, an expert's matrix of R1 as a whole. Its bits are its own in any case.</summary>
    internal const long DeviceTileElements = 1 << 24;

    public Tensor Embed(Tensor ids, WeightMatrix table) => table.Gather(ids);

    public Tensor Linear(Tensor x, WeightMatrix weight, Tensor? bias = null)
    {
        using var scope = NewDisposeScope();
        var elements = x.device_type == TorchSharp.DeviceType.CPU ? TileElements : DeviceTileElements;
        var tile = Math.Max(1, elements / weight.Columns / weight.RowAlignment) * weight.RowAlignment;
        if (tile >= weight.Rows)
            return F.linear(x, weight.Widen(), bias).MoveToOuterDisposeScope();

        var result = empty(x.shape[0], weight.Rows, ScalarType.Float32, x.device);
        for (var first = 0L; first < weight.Rows; first += tile)
        {
            var count = Math.Min(tile, weight.Rows - first);
            using var rows = weight.Widen(first, count);
            using var part = F.linear(x, rows);
            using var place = result.narrow(1, first, count);
            place.copy_(part).Dispose();
        }

        return (bias is null ? result : result.add_(bias, HeldScalar.One)).MoveToOuterDisposeScope();
    }

    public Tensor RmsNorm(Tensor x, Tensor weight, double epsilon)
    {
        using var scope = NewDisposeScope();
        using var term = epsilon.ToScalar();
        var inverse = x.mul(x).mean([-1], keepdim: true).add_(term, HeldScalar.One).rsqrt_();
        return x.mul(inverse).mul_(weight).MoveToOuterDisposeScope();
    }

    public Tensor SwiGlu(Tensor x, FeedForwardWeights weights)
    {
        using var scope = NewDisposeScope();
        var gated = F.silu(Linear(x, weights.Gate)).mul_(Linear(x, weights.Up));
        return Linear(gated, weights.Down).MoveToOuterDisposeScope();
    }

    public Tensor AttendLatent(
        Tensor queryNope, Tensor queryRope, WeightMatrix keyValueUp, SequenceCache cache, int layer, double scale)
    {
        using var scope = NewDisposeScope();
        return TorchAttention.Latent(form, queryNope, queryRope, keyValueUp, cache, layer, scale).MoveToOuterDisposeScope();
    }

    public Tensor AttendGrouped(Tensor query, SequenceCache cache, int layer, int keyValueHeads, double scale)
    {
        using var scope = NewDisposeScope();
        return TorchAttention.Grouped(query, cache, layer, keyValueHeads, scale).MoveToOuterDisposeScope();
    }
}
