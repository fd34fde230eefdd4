using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Chat;

/// <summary>Ends a model's reasoning after so many tokens: the token that closes it is then the only one left.</summary>
/// <param name="budget">Tokens of reasoning.</param>
/// <param name="close">The token <c>&lt;/think&gt;</c>.</param>
/// <param name="open">The token <c>&lt;think&gt;</c>, from which they count; null where the prompt holds it.</param>
internal sealed class ReasoningBudget(int budget, int close, int? open) : ILogitsProcessor
{
    public void Process(Span<float> logits, in SamplingContext context)
    {
        var first = open is { } token ? context.Generated.IndexOf(token) + 1 : 0;
        if ((open is not null && first == 0) || context.Generated.Length - first < budget || context.Generated.Contains(close) || close >= logits.Length)
            return;
        var kept = logits[close];
        logits.Fill(float.NegativeInfinity);
        logits[close] = float.IsNegativeInfinity(kept) ? 0 : kept;
    }
}
