using Deepseek.Inference.Compute;
using static TorchSharp.torch;

namespace Deepseek.Inference.Layers;

/// <summary>The part of a layer that treats every token alone.</summary>
internal interface IFeedForward : IDisposable
{
    /// <summary>[N, D] → [N, D].</summary>
    Tensor Forward(Tensor x, ForwardPass pass);

    /// <summary>Whether it reads rounded rows.</summary>
    bool Rounds(CpuEngine engine);

    /// <summary>The same on the CPU operations: from the normed rows; the result is added to the residual stream.</summary>
    void Forward(CpuPass pass);
}
