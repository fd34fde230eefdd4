namespace Deepseek.Inference.Generation;

/// <summary>One generated token of one sequence of a batch.</summary>
/// <param name="Request">The place of the sequence among the requests.</param>
/// <param name="Token">The token.</param>
public readonly record struct BatchTokenResult(int Request, TokenResult Token);
