using Deepseek.Inference.Experts;
using static TorchSharp.torch;

namespace Deepseek.Inference.Layers;

/// <summary>Attention, then feed-forward, each normed before and added to the residual stream.</summary>
internal sealed partial class DecoderLayer(RmsNorm attentionNorm, IAttention attention, RmsNorm feedForwardNorm, IFeedForward feedForward) : IDisposable
{
    /// <summary>Guesses the experts of a later layer; null where there is none.</summary>
    public Foresight? Ahead { get; set; }

    /// <summary>What guesses this layer's experts before it is reached; null where it has none.</summary>
    public Foresight? Foresee(IExpertSource source) => feedForward is ExpertMixture mixture ? new Foresight(mixture.Layer, feedForwardNorm, mixture.Router, source) : null;

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
