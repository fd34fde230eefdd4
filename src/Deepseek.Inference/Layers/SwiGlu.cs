using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Layers;

/// <summary>A dense gated feed-forward (arXiv:2002.05202, §2).</summary>
internal sealed partial class SwiGlu(FeedForwardWeights weights) : IFeedForward
{
    public Tensor Forward(Tensor x, ForwardPass pass) => pass.Operations.SwiGlu(x, weights);

    public void Dispose() => weights.Dispose();
}
