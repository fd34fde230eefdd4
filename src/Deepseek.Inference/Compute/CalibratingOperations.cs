using Deepseek.Inference.Caching;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Deepseek.Inference.Compute;

/// <summary>Passes every call on, and counts what meets the columns of the weights on the way; results keep their bits.</summary>
/// <remarks>An embedding is looked up, not multiplied: it has no energies.</remarks>
internal sealed class CalibratingOperations(IComputeOperations operations, ColumnEnergiesCounter counter) : IComputeOperations
{
    public Tensor Embed(Tensor ids, WeightMatrix table) => operations.Embed(ids, table);

    public Tensor Linear(Tensor x, WeightMatrix weight, Tensor? bias = null)
    {
        counter.Add(x, weight);
        return operations.Linear(x, weight, bias);
    }

    public Tensor RmsNorm(Tensor x, Tensor weight, double epsilon) => operations.RmsNorm(x, weight, epsilon);

    public Tensor SwiGlu(Tensor x, FeedForwardWeights weights)
    {
        counter.Add(x, weights.Gate, weights.Up);
        using (NewDisposeScope())
        {
            // The real operation keeps to itself what lies between its products.
            var gated = F.silu(operations.Linear(x, weights.Gate)).mul_(operations.Linear(x, weights.Up)); // [N, I]
            counter.Add(gated, weights.Down);
        }

        return operations.SwiGlu(x, weights);
    }

    /// <inheritdoc />
    /// <remarks>
    /// In both forms an error of W_UK or W_UV weighs by the latent that meets its column. Each token's latent counts once, when the token is new, however often it is looked back at.
    /// </remarks>
    public Tensor AttendLatent(
        Tensor queryNope, Tensor queryRope, WeightMatrix keyValueUp, SequenceCache cache, int layer, double scale)
    {
        using (NewDisposeScope())
        {
            var newest = cache.Read(layer, cache.Length, (int)queryNope.shape[0]); // [T, C+R]
            counter.Add(newest.narrow(1, 0, keyValueUp.Columns), keyValueUp);
        }

        return operations.AttendLatent(queryNope, queryRope, keyValueUp, cache, layer, scale);
    }

    public Tensor AttendGrouped(Tensor query, SequenceCache cache, int layer, int keyValueHeads, double scale) =>
        operations.AttendGrouped(query, cache, layer, keyValueHeads, scale);
}
