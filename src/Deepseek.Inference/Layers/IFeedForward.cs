using static TorchSharp.torch;

namespace Deepseek.Inference.Layers;

/// <summary>The part of a layer that treats every token alone.</summary>
internal interface IFeedForward : IDisposable
{
    /// <summary>[N, D] → [N, D].</summary>
    Tensor Forward(Tensor x, ForwardPass pass);
}
