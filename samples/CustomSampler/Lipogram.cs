using Deepseek.Inference.Sampling;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Samples.CustomSampler;

/// <summary>Writes without one letter: every token that holds it is removed, whatever its logit.</summary>
/// <remarks>A processor keeps no state between calls, so that one may serve many sequences at once.</remarks>
internal sealed class Lipogram : ILogitsProcessor
{
    private readonly int[] _removed;

    /// <summary>Looks the letter up once, not at every step.</summary>
    public Lipogram(DeepseekTokenizer tokenizer, char letter)
    {
        // The token that ends the text stays, although its name has an e.
        _removed = [.. Enumerable.Range(0, tokenizer.VocabularySize).Where(id => id != tokenizer.EndTokenId && Holds(tokenizer.TokenText(id)))];

        bool Holds(string? token) => token?.Contains(letter, StringComparison.OrdinalIgnoreCase) == true;
    }

    public void Process(Span<float> logits, in SamplingContext context)
    {
        foreach (var id in _removed)
            logits[id] = float.NegativeInfinity; // as any filter marks a removed token
    }
}
