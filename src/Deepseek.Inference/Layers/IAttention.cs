using Deepseek.Inference.Compute;
using static TorchSharp.torch;

namespace Deepseek.Inference.Layers;

/// <summary>Attention of one layer: appends the tokens to the caches, then lets them look back.</summary>
internal interface IAttention : IDisposable
{
    /// <summary>[N, D] → [N, D].</summary>
    /// <param name="x">The normed residual stream.</param>
    /// <param name="pass">The pass.</param>
    /// <param name="cacheLayer">The layer's place in the caches.</param>
    Tensor Forward(Tensor x, ForwardPass pass, int cacheLayer);

    /// <summary>Whether it reads rounded rows.</summary>
    bool Rounds(CpuEngine engine);

    /// <summary>The same on the CPU operations: from the normed rows to the pass's output, [N, D].</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="cacheLayer">The layer's place in the caches.</param>
    void Forward(CpuPass pass, int cacheLayer);
}
