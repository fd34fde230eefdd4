using Deepseek.Inference.Caching;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Compute;

/// <summary>The operations in which a model spends its time; layers call these and leave the rest to plain tensors.</summary>
/// <remarks>
/// Axes: N tokens of all sequences, T new tokens of one sequence, D hidden, H heads, P nope, R rope, V value, d head size.
/// Activations are fp32. Results belong to the caller's dispose scope. Thread-safe.
/// </remarks>
internal interface IComputeOperations
{
    /// <summary>Rows of the embedding: ids int64 [N] → [N, D].</summary>
    Tensor Embed(Tensor ids, WeightMatrix table);

    /// <summary>x Wᵀ + b: [N, inputs] → [N, outputs].</summary>
    Tensor Linear(Tensor x, WeightMatrix weight, Tensor? bias = null);

    /// <summary>x / √(mean x² + ε) · w over the last dimension (arXiv:1910.07467, eq. 4).</summary>
    Tensor RmsNorm(Tensor x, Tensor weight, double epsilon);

    /// <summary>(SiLU(x Gᵀ) ∘ x Uᵀ) Dᵀ: [N, D] → [N, D] (arXiv:2002.05202, §2, SwiGLU).</summary>
    Tensor SwiGlu(Tensor x, FeedForwardWeights weights);

    /// <summary>Latent attention of one sequence's newest T tokens, which the cache's layer holds already: → [T, H·V].</summary>
    /// <param name="queryNope">[T, H, P].</param>
    /// <param name="queryRope">[T, H, R], rotated.</param>
    /// <param name="keyValueUp"><c>kv_b_proj</c>: for every head P rows of W_UK, then V rows of W_UV; [H·(P+V), C].</param>
    /// <param name="cache">The sequence; its length does not count the T tokens yet.</param>
    /// <param name="layer">The layer's place in the cache.</param>
    /// <param name="scale">Factor of the scores.</param>
    Tensor AttendLatent(
        Tensor queryNope, Tensor queryRope, WeightMatrix keyValueUp, SequenceCache cache, int layer, double scale);

    /// <summary>Grouped-query attention of one sequence's newest T tokens, which the cache's layer holds already: → [T, H·d].</summary>
    /// <param name="query">[T, H, d], rotated.</param>
    /// <param name="cache">The sequence; its length does not count the T tokens yet.</param>
    /// <param name="layer">The layer's place in the cache.</param>
    /// <param name="keyValueHeads">Heads of keys and values; divides H.</param>
    /// <param name="scale">Factor of the scores.</param>
    Tensor AttendGrouped(Tensor query, SequenceCache cache, int layer, int keyValueHeads, double scale);
}
