namespace Deepseek.Inference.Layers;

// On the CPU operations.
internal sealed partial class MultiTokenPrediction
{
    /// <summary>Logits of the token after next.</summary>
    /// <param name="nextIds">The next token of every row, [N].</param>
    /// <param name="hidden">The state of every row after the final norm, [N, D].</param>
    /// <param name="pass">The pass, begun; its caches are this layer's own, of one layer.</param>
    /// <param name="logits">Receives [N, vocabulary].</param>
    public unsafe void Forward(int* nextIds, float* hidden, CpuPass pass, float* logits)
    {
        var (engine, width) = (pass.Engine, pass.Hidden);
        engine.Rows.Embed(embedding, nextIds, pass.Tokens, pass.Output);
        pass.Joined.Reserve(pass.Tokens, 2 * width, engine.Rounds(projection));
        engine.Rows.Norm(pass.Output, width, embeddingNorm.Weight, embeddingNorm.Epsilon, pass.Joined, 0, width);
        engine.Rows.Norm(hidden, width, hiddenNorm.Weight, hiddenNorm.Epsilon, pass.Joined, width, width);
        engine.Rows.Round(pass.Joined);
        engine.Products.Add(projection, pass.Joined, pass.Stream, width);
        engine.Products.Run();
        pass.Observe(0, pass.Stream);

        layer.Forward(pass, cacheLayer: 0);
        pass.Norm(headNorm, engine.Rounds(head));
        engine.Products.Add(head, engine.Normed, logits, head.Rows);
        engine.Products.Run();
    }
}
