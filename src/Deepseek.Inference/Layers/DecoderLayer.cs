using Deepseek.Inference.Experts;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Layers;

/// <summary>Attention, then feed-forward, each normed before and added to the residual stream.</summary>
internal sealed partial class DecoderLayer(RmsNorm attentionNorm, IAttention attention, RmsNorm feedForwardNorm, IFeedForward feedForward) : IDisposable
{
    /// <summary>Guesses the experts of a later layer; null where there is none.</summary>
    public Foresight? Ahead { get; set; }

    /// <summary>Whether it has experts.</summary>
    public bool IsMixture => feedForward is ExpertMixture;

    /// <summary>What guesses this layer's experts before it is reached.</summary>
    public Foresight Foresee(IExpertSource source)
    {
        var mixture = (ExpertMixture)feedForward;
        var foresight = new Foresight(mixture.Layer, feedForwardNorm, mixture.Router, source);
        mixture.Foreseen = [.. mixture.Foreseen, foresight];
        return foresight;
    }

    public Tensor Forward(Tensor x, ForwardPass pass, int cacheLayer) // [N, D]
    {
        using var scope = NewDisposeScope();
        pass.CancellationToken.ThrowIfCancellationRequested();
        x = x.add(attention.Forward(attentionNorm.Forward(x, pass), pass, cacheLayer), HeldScalar.One);
        return x.add_(feedForward.Forward(feedForwardNorm.Forward(x, pass), pass), HeldScalar.One).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        attentionNorm.Dispose();
        attention.Dispose();
        feedForwardNorm.Dispose();
        feedForward.Dispose();
    }
}
