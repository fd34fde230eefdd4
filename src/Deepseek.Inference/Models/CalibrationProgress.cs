namespace Deepseek.Inference.Models;

/// <summary>How far a calibration has come.</summary>
/// <param name="Tokens">Tokens that have passed the model.</param>
/// <param name="TotalTokens">Tokens of all runs.</param>
public readonly record struct CalibrationProgress(long Tokens, long TotalTokens);
