namespace Deepseek.Inference.Configuration;

/// <summary>YaRN (arXiv:2309.00071, §3) with DeepSeek's two magnitude settings.</summary>
/// <param name="Factor">How many times longer than <paramref name="OriginalPositions"/> the context becomes.</param>
/// <param name="OriginalPositions">Positions of the pre-training, in tokens.</param>
/// <param name="BetaFast">Rotations over the original length above which a dimension keeps its frequency.</param>
/// <param name="BetaSlow">Rotations below which a dimension's frequency is divided by the factor.</param>
/// <param name="Magnitude"><c>mscale</c>: weight of ln(factor) in the magnitude of cos and sin.</param>
/// <param name="MagnitudeAllDimensions"><c>mscale_all_dim</c>: weight of ln(factor) in the soft-max scale; 0 turns it off.</param>
public sealed record YarnRopeScaling(
    double Factor, int OriginalPositions, double BetaFast, double BetaSlow, double Magnitude, double MagnitudeAllDimensions) : RopeScaling;
