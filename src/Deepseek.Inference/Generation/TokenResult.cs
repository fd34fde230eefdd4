using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Generation;

/// <summary>One generated token.</summary>
/// <param name="Id">The token.</param>
/// <param name="LogProbability">Natural logarithm of its probability under the model itself, before any processor.</param>
/// <param name="Alternatives">The most probable tokens under the model itself, best first; empty unless asked for.</param>
/// <param name="Elapsed">Time from the previous token, or from the start of the prompt for the first one.</param>
/// <param name="IsEnd">The token ends the sequence and is no part of its text.</param>
/// <param name="FinishReason">Why the sequence ends with this token; null while it goes on.</param>
public readonly record struct TokenResult(
    int Id, double LogProbability, IReadOnlyList<TokenLogProbability> Alternatives, TimeSpan Elapsed, bool IsEnd, FinishReason? FinishReason);
