namespace Deepseek.Inference.Kernels;

/// <summary>How floats become whole numbers of 16 bits such that sums of their products with such numbers are exact in 32 bits.</summary>
/// <remarks>
/// <para>
/// A number x becomes round(x / step). The step is the larger of largest / 32,767, so that every number fits, and sum / 65,000, where sum is the largest Σ|x| of what is added up in one 32-bit lane.
/// Then a lane's whole numbers add up to at most 65,000 and 1/2 for each rounding: with at most <see cref="LaneNumbers"/> of them to less than 65,000 + 512 + 20, the 20 for the roundings of the sum, the
/// quotient and the products in single precision (each within 2⁻²⁴ of it, the sum within 2⁻²⁴ an addition: 65,000 · 1,028 · 2⁻²⁴ = 4). Times 32,767, the largest code, that is 2,147,287,044 at most, below
/// 2³¹ = 2,147,483,648: no order of additions can overflow.
/// </para>
/// <para>A step that is 0, or so small that 1 / step is infinite, stands for numbers that all become 0. A step that is not finite says that one of the numbers was not; its codes are 0, and 0 · step is NaN.</para>
/// </remarks>
internal static class CodeSteps
{
    /// <summary>The largest code.</summary>
    public const int Largest = short.MaxValue;

    /// <summary>What a lane's numbers may add up to.</summary>
    public const float Bound = 65000;

    /// <summary>The most numbers of a lane.</summary>
    public const int LaneNumbers = 1024;

    /// <summary>The step and its inverse, for the largest magnitude and the largest sum of magnitudes of a lane; an inverse of 0 stands for codes that are all 0.</summary>
    public static (float Step, float Inverse) Of(float largest, float sum)
    {
        var step = MathF.Max(largest / Largest, sum / Bound);
        var inverse = 1 / step;
        if (float.IsPositiveInfinity(inverse))
            step = 0;
        return (step, float.IsNormal(inverse) ? inverse : 0);
    }
}
