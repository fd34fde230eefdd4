using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Models;

/// <summary>How many bytes of weights decoding reads where nothing counts them.</summary>
internal static class DecodeBytes
{
    /// <summary>Bytes that one token of one sequence reads: all but the embedding, of which it takes one row, and the routed experts that are not chosen.</summary>
    /// <param name="config">The model.</param>
    /// <param name="all">Bytes of the whole model as it is stored, without a multi-token-prediction layer.</param>
    /// <param name="embedding">Bytes of the embedding; where it is the head as well, the head reads it.</param>
    /// <param name="routed">Bytes of all routed experts. Those of a layer are alike in size, so the chosen ones are K of E.</param>
    public static long OfStep(ModelConfig config, long all, long embedding, long routed)
    {
        var unchosen = config.Experts is { } experts ? routed - (long)((Int128)routed * experts.ChosenCount / experts.RoutedCount) : 0;
        return all - unchosen - (config.TieWordEmbeddings ? 0 : embedding);
    }
}
