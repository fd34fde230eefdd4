using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>The exponential function in single precision, within 1 unit in the last place, subnormal results included.</summary>
/// <remarks>
/// x = n · ln 2 + r with a whole n and |r| ≤ ln 2 / 2; then eˣ = 2ⁿ · eʳ. A polynomial of degree 6 with the least largest relative error, 3.1e-9, gives eʳ. It was found by Remez' exchange
/// for (eʳ − 1 − r) / r² with the weight r² / eʳ. Above 88.73 the result is infinite, below −103.98 it is 0; NaN stays NaN. All widths return the same bits.
/// </remarks>
internal static class FastExp
{
    // Limits beyond which eˣ is infinite and 0; within them n · ln 2 is exact enough, and 2ⁿ has two factors that are normal numbers.
    private const float Highest = 89f;
    private const float Lowest = -104f;

    private const float Log2E = 1.44269504f;

    // ln 2 in two parts: a fused product with n adds no error of its own.
    private const float Ln2High = 0.693147182f;
    private const float Ln2Low = -1.90465421e-9f;

    // 1.5 · 2²³ has a last place of 1: adding it rounds to a whole number.
    private const float Rounder = 12582912f;
    private const int RounderBits = 0x4B400000;

    private const int Bias = 127;
    private const int FractionBits = 23;

    private const float C2 = 0.49999994f;
    private const float C3 = 0.16666521f;
    private const float C4 = 0.04166839f;
    private const float C5 = 0.00836871658f;
    private const float C6 = 0.00138145988f;

    /// <summary>eˣ: the definition that every width equals.</summary>
    public static float Exp(float x)
    {
        if (float.IsNaN(x))
            return x;

        x = MathF.Max(Lowest, MathF.Min(Highest, x));
        var whole = MathF.FusedMultiplyAdd(x, Log2E, Rounder);
        var n = whole - Rounder;
        var r = MathF.FusedMultiplyAdd(n, -Ln2High, x);
        r = MathF.FusedMultiplyAdd(n, -Ln2Low, r);
        var q = MathF.FusedMultiplyAdd(C6, r, C5);
        q = MathF.FusedMultiplyAdd(q, r, C4);
        q = MathF.FusedMultiplyAdd(q, r, C3);
        q = MathF.FusedMultiplyAdd(q, r, C2);
        var p = MathF.FusedMultiplyAdd(q, r * r, r) + 1;

        var power = (int)n;
        var half = power >> 1;
        return p * PowerOf2(half) * PowerOf2(power - half);
    }

    /// <summary>eˣ of each element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Exp(Vector128<float> x)
    {
        // The limit comes first: x86's instructions return the second operand where one is NaN.
        x = Vector128.MaxNative(Vector128.Create(Lowest), Vector128.MinNative(Vector128.Create(Highest), x));
        var whole = Vector128.FusedMultiplyAdd(x, Vector128.Create(Log2E), Vector128.Create(Rounder));
        var n = whole - Vector128.Create(Rounder);
        var r = Vector128.FusedMultiplyAdd(n, Vector128.Create(-Ln2High), x);
        r = Vector128.FusedMultiplyAdd(n, Vector128.Create(-Ln2Low), r);
        var q = Vector128.FusedMultiplyAdd(Vector128.Create(C6), r, Vector128.Create(C5));
        q = Vector128.FusedMultiplyAdd(q, r, Vector128.Create(C4));
        q = Vector128.FusedMultiplyAdd(q, r, Vector128.Create(C3));
        q = Vector128.FusedMultiplyAdd(q, r, Vector128.Create(C2));
        var p = Vector128.FusedMultiplyAdd(q, r * r, r) + Vector128<float>.One;

        // The rounder's last bits hold n as a whole number.
        var power = whole.AsInt32() - Vector128.Create(RounderBits);
        var half = Vector128.ShiftRightArithmetic(power, 1);
        var first = Vector128.ShiftLeft(half + Vector128.Create(Bias), FractionBits).AsSingle();
        var second = Vector128.ShiftLeft(power - half + Vector128.Create(Bias), FractionBits).AsSingle();
        return p * first * second;
    }

    /// <summary>eˣ of each element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Exp(Vector256<float> x)
    {
        // The limit comes first: x86's instructions return the second operand where one is NaN.
        x = Vector256.MaxNative(Vector256.Create(Lowest), Vector256.MinNative(Vector256.Create(Highest), x));
        var whole = Vector256.FusedMultiplyAdd(x, Vector256.Create(Log2E), Vector256.Create(Rounder));
        var n = whole - Vector256.Create(Rounder);
        var r = Vector256.FusedMultiplyAdd(n, Vector256.Create(-Ln2High), x);
        r = Vector256.FusedMultiplyAdd(n, Vector256.Create(-Ln2Low), r);
        var q = Vector256.FusedMultiplyAdd(Vector256.Create(C6), r, Vector256.Create(C5));
        q = Vector256.FusedMultiplyAdd(q, r, Vector256.Create(C4));
        q = Vector256.FusedMultiplyAdd(q, r, Vector256.Create(C3));
        q = Vector256.FusedMultiplyAdd(q, r, Vector256.Create(C2));
        var p = Vector256.FusedMultiplyAdd(q, r * r, r) + Vector256<float>.One;

        // The rounder's last bits hold n as a whole number.
        var power = whole.AsInt32() - Vector256.Create(RounderBits);
        var half = Vector256.ShiftRightArithmetic(power, 1);
        var first = Vector256.ShiftLeft(half + Vector256.Create(Bias), FractionBits).AsSingle();
        var second = Vector256.ShiftLeft(power - half + Vector256.Create(Bias), FractionBits).AsSingle();
        return p * first * second;
    }

    /// <summary>eˣ of each element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        // The limit comes first: x86's instructions return the second operand where one is NaN.
        x = Vector512.MaxNative(Vector512.Create(Lowest), Vector512.MinNative(Vector512.Create(Highest), x));
        var whole = Vector512.FusedMultiplyAdd(x, Vector512.Create(Log2E), Vector512.Create(Rounder));
        var n = whole - Vector512.Create(Rounder);
        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-Ln2High), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-Ln2Low), r);
        var q = Vector512.FusedMultiplyAdd(Vector512.Create(C6), r, Vector512.Create(C5));
        q = Vector512.FusedMultiplyAdd(q, r, Vector512.Create(C4));
        q = Vector512.FusedMultiplyAdd(q, r, Vector512.Create(C3));
        q = Vector512.FusedMultiplyAdd(q, r, Vector512.Create(C2));
        var p = Vector512.FusedMultiplyAdd(q, r * r, r) + Vector512<float>.One;

        // p · 2ⁿ, rounded once, as by the two factors: the product with the first is exact.
        if (Avx512F.IsSupported)
            return Avx512F.Scale(p, n);

        // The rounder's last bits hold n as a whole number.
        var power = whole.AsInt32() - Vector512.Create(RounderBits);
        var half = Vector512.ShiftRightArithmetic(power, 1);
        var first = Vector512.ShiftLeft(half + Vector512.Create(Bias), FractionBits).AsSingle();
        var second = Vector512.ShiftLeft(power - half + Vector512.Create(Bias), FractionBits).AsSingle();
        return p * first * second;
    }

    private static float PowerOf2(int exponent) => BitConverter.Int32BitsToSingle((exponent + Bias) << FractionBits);
}
