namespace Deepseek.Inference.Configuration;

/// <summary>Llama 3.1's scaling by wavelength (<c>rope_type: llama3</c>).</summary>
/// <param name="Factor">Divides the frequency of long wavelengths.</param>
/// <param name="LowFrequencyFactor">Wavelengths above <paramref name="OriginalPositions"/> divided by this are scaled in full.</param>
/// <param name="HighFrequencyFactor">Wavelengths below <paramref name="OriginalPositions"/> divided by this keep their frequency.</param>
/// <param name="OriginalPositions">Positions of the pre-training, in tokens.</param>
public sealed record Llama3RopeScaling(double Factor, double LowFrequencyFactor, double HighFrequencyFactor, int OriginalPositions) : RopeScaling;
