using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Layers;

/// <summary>Angular frequencies of the rotary embedding, in radians a position, one for each pair of dimensions.</summary>
internal static class RotaryFrequencies
{
    /// <summary>θ^(−2i/d) for i &lt; d/2, scaled as configured (RoFormer, arXiv:2104.09864, §3.2.2).</summary>
    public static double[] Create(int dimensions, double theta, RopeScaling? scaling)
    {
        var plain = new double[dimensions / 2];
        for (var i = 0; i < plain.Length; i++)
            plain[i] = Math.Pow(theta, -2.0 * i / dimensions);

        return scaling switch
        {
            null => plain,
            YarnRopeScaling yarn => Yarn(plain, dimensions, theta, yarn),
            Llama3RopeScaling llama => Llama3(plain, llama),
            _ => throw new ArgumentException($"The rotary scaling is {scaling.GetType().Name}; it must be YaRN or llama3.", nameof(scaling)),
        };
    }

    /// <summary>What cos and sin are multiplied by: the ratio of the two magnitudes, 1 in all published DeepSeek models.</summary>
    public static double Magnitude(RopeScaling? scaling) => scaling is YarnRopeScaling yarn
        ? YarnMagnitude(yarn.Factor, yarn.Magnitude) / YarnMagnitude(yarn.Factor, yarn.MagnitudeAllDimensions)
        : 1;

    /// <summary>1 + 0.1 · weight · ln factor (arXiv:2309.00071, §3.4, with DeepSeek's weight).</summary>
    public static double YarnMagnitude(double factor, double weight) => factor <= 1 ? 1 : (0.1 * weight * Math.Log(factor)) + 1;

    /// <summary>
    /// "NTK by parts" (arXiv:2309.00071, §3.2): dimensions that turn more than β-fast times within the original length keep their frequency,
    /// those below β-slow are divided by the factor, those between are blended linearly. Bounds are rounded outward, as Transformers does.
    /// </summary>
    private static double[] Yarn(double[] plain, int dimensions, double theta, YarnRopeScaling yarn)
    {
        var low = Math.Max(0, Math.Floor(DimensionOf(yarn.BetaFast)));
        var high = Math.Min(dimensions - 1, Math.Ceiling(DimensionOf(yarn.BetaSlow)));
        if (low == high)
            high += 0.001; // a step instead of a ramp, without dividing by zero

        var scaled = new double[plain.Length];
        for (var i = 0; i < scaled.Length; i++)
        {
            var interpolated = Math.Clamp((i - low) / (high - low), 0, 1);
            scaled[i] = (plain[i] / yarn.Factor * interpolated) + (plain[i] * (1 - interpolated));
        }

        return scaled;

        double DimensionOf(double rotations) =>
            dimensions * Math.Log(yarn.OriginalPositions / (rotations * 2 * Math.PI)) / (2 * Math.Log(theta));
    }

    /// <summary>Long wavelengths are divided by the factor, short ones kept, those between blended (Llama 3.1; huggingface/transformers modeling_rope_utils.py).</summary>
    private static double[] Llama3(double[] plain, Llama3RopeScaling llama) => Array.ConvertAll(plain, frequency =>
    {
        var rotations = llama.OriginalPositions * frequency / (2 * Math.PI); // within the original length
        var kept = Math.Clamp((rotations - llama.LowFrequencyFactor) / (llama.HighFrequencyFactor - llama.LowFrequencyFactor), 0, 1);
        return (frequency / llama.Factor * (1 - kept)) + (frequency * kept);
    });
}
