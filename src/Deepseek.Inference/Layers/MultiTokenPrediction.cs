using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Layers;

/// <summary>Predicts the token after next from a token's final state and the next token (DeepSeek-V3 report, arXiv:2412.19437, §2.2).</summary>
/// <remarks>
/// x = eh_proj([enorm(embedding of t+1); hnorm(h of t)]), the embedding first; h is the main model's state after its final norm, as in the
/// checkpoint's own modelling code. Rotary positions begin at 0 for the first row.
/// </remarks>
internal sealed partial class MultiTokenPrediction(
    WeightMatrix embedding, RmsNorm embeddingNorm, RmsNorm hiddenNorm, WeightMatrix projection, DecoderLayer layer, RmsNorm headNorm, WeightMatrix head) : IDisposable
{
    /// <summary>Logits of the token after next, [N, vocabulary].</summary>
    /// <param name="nextIds">The next token of every row, int64 [N].</param>
    /// <param name="hidden">The state of every row after the final norm, [N, D].</param>
    /// <param name="pass">The pass; its caches are this layer's own, of one layer.</param>
    public Tensor Forward(Tensor nextIds, Tensor hidden, ForwardPass pass)
    {
        using var scope = NewDisposeScope();
        var next = embeddingNorm.Forward(pass.Operations.Embed(nextIds, embedding), pass);
        var x = pass.Operations.Linear(cat([next, hiddenNorm.Forward(hidden, pass)], 1), projection); // [N, D]
        pass.Observer?.OnHidden(0, x);
        x = headNorm.Forward(layer.Forward(x, pass, cacheLayer: 0), pass);
        return pass.Operations.Linear(x, head).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (var weight in new IDisposable[] { embedding, embeddingNorm, hiddenNorm, projection, layer, headNorm, head })
            weight.Dispose();
    }
}
