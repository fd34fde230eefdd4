using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>How floats become whole numbers of 16 bits such that sums of their products with such numbers are exact in 32 bits.</summary>
/// <remarks>
/// <para>
/// A number x becomes round(x / step). The step is the larger of largest / 32,767, so that every number fits, and sum / 65,000, where sum is the largest Σ|x| of a run: of <see cref="Run"/> numbers that are added up.
/// Then a run's whole numbers add up to at most 65,000, 1/2 for each rounding, and what sum, quotient and products in single precision are off by (each within 2⁻²⁴ of it, the sum within 2⁻²⁴ an addition:
/// 65,000 · 36 · 2⁻²⁴ &lt; 1): to less than 65,017. Times 32,767, the largest code, that is 2,130,412,039 at most, below 2³¹ = 2,147,483,648: no order of additions can overflow.
/// </para>
/// <para>A step that is 0, or so small that 1 / step is infinite, stands for numbers that all become 0. A step that is not finite says that one of the numbers was not; its codes are 0, and 0 · step is NaN.</para>
/// </remarks>
internal static class CodeSteps
{
    /// <summary>The largest code.</summary>
    public const int Largest = short.MaxValue;

    /// <summary>What a run's numbers may add up to.</summary>
    public const float Bound = 65000;

    /// <summary>Numbers of a run, at most.</summary>
    public const int Run = 32;

    /// <summary>The step and its inverse, for the largest magnitude and the largest sum of magnitudes of a run; an inverse of 0 stands for codes that are all 0.</summary>
    public static (float Step, float Inverse) Of(float largest, float sum)
    {
        var step = MathF.Max(largest / Largest, sum / Bound);
        var inverse = 1 / step;
        if (float.IsPositiveInfinity(inverse))
            step = 0;
        return (step, float.IsNormal(inverse) ? inverse : 0);
    }

    /// <summary>The same for eight at once.</summary>
    public static (Vector256<float> Step, Vector256<float> Inverse) Of(Vector256<float> largest, Vector256<float> sum)
    {
        var step = Vector256.Max(largest / Largest, sum / Bound);
        var inverse = Vector256<float>.One / step;
        return (Vector256.AndNot(step, Vector256.IsPositiveInfinity(inverse)), inverse & Vector256.IsNormal(inverse));
    }
}
