namespace Deepseek.Inference.Layers;

// On the CPU operations.
internal sealed partial class DecoderLayer
{
    /// <summary>Attention, then feed-forward, in place on the residual stream.</summary>
    public unsafe void Forward(CpuPass pass, int cacheLayer)
    {
        pass.CancellationToken.ThrowIfCancellationRequested();
        pass.Norm(attentionNorm, attention.Rounds(pass.Engine));
        attention.Forward(pass, cacheLayer);
        pass.Engine.Rows.AddAll(pass.Stream, pass.Output, pass.Tokens, pass.Hidden);

        pass.Norm(feedForwardNorm, feedForward.Rounds(pass.Engine));
        feedForward.Forward(pass);
        Ahead?.Guess(pass);
    }
}
