namespace Deepseek.Inference.Sampling;

/// <summary>A token and how probable the model held it.</summary>
/// <param name="Id">The token's id.</param>
/// <param name="LogProbability">The natural logarithm of its probability, 0 or less.</param>
public readonly record struct TokenLogProbability(int Id, double LogProbability);
