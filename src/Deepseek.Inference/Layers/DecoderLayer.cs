using static TorchSharp.torch;

namespace Deepseek.Inference.Layers;

/// <summary>Attention, then feed-forward, each normed before and added to the residual stream.</summary>
internal sealed partial class DecoderLayer(RmsNorm attentionNorm, IAttention attention, RmsNorm feedForwardNorm, IFeedForward feedForward) : IDisposable
{
    public Tensor Forward(Tensor x, ForwardPass pass, int cacheLayer) // [N, D]
    {
        using var scope = NewDisposeScope();
        pass.CancellationToken.ThrowIfCancellationRequested();
        x = x.add(attention.Forward(attentionNorm.Forward(x, pass), pass, cacheLayer));
        return x.add_(feedForward.Forward(feedForwardNorm.Forward(x, pass), pass)).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        attentionNorm.Dispose();
        attention.Dispose();
        feedForwardNorm.Dispose();
        feedForward.Dispose();
    }
}
