namespace Deepseek.Inference.Configuration;

/// <summary>How rotary frequencies are stretched beyond the positions of the pre-training.</summary>
public abstract record RopeScaling
{
    private protected RopeScaling()
    {
    }
}

/// <summary>YaRN (arXiv:2309.00071, §3) with DeepSeek's two magnitude settings.</summary>
/// <param name="Factor">How many times longer than <paramref name="OriginalPositions"/> the context becomes.</param>
/// <param name="OriginalPositions">Positions of the pre-training, in tokens.</param>
/// <param name="BetaFast">Rotations over the original length above which a dimension keeps its frequency.</param>
/// <param name="BetaSlow">Rotations below which a dimension's frequency is divided by the factor.</param>
/// <param name="Magnitude"><c>mscale</c>: weight of ln(factor) in the magnitude of cos and sin.</param>
/// <param name="MagnitudeAllDimensions"><c>mscale_all_dim</c>: weight of ln(factor) in the soft-max scale; 0 turns it off.</param>
public sealed record YarnRopeScaling(
    double Factor, int OriginalPositions, double BetaFast, double BetaSlow, double Magnitude, double MagnitudeAllDimensions) : RopeScaling;

/// <summary>Llama 3.1's scaling by wavelength (<c>rope_type: llama3</c>).</summary>
/// <param name="Factor">Divides the frequency of long wavelengths.</param>
/// <param name="LowFrequencyFactor">Wavelengths above <paramref name="OriginalPositions"/> divided by this are scaled in full.</param>
/// <param name="HighFrequencyFactor">Wavelengths below <paramref name="OriginalPositions"/> divided by this keep their frequency.</param>
/// <param name="OriginalPositions">Positions of the pre-training, in tokens.</param>
public sealed record Llama3RopeScaling(double Factor, double LowFrequencyFactor, double HighFrequencyFactor, int OriginalPositions) : RopeScaling;

/// <summary>Positions divided by a factor (<c>rope_type: linear</c>).</summary>
/// <param name="Factor">What positions are divided by.</param>
public sealed record LinearRopeScaling(double Factor) : RopeScaling;
