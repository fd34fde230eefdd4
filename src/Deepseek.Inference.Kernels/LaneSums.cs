using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>Adds the 16 lanes of a sum: l and l + 8, then l + 4, l + 2 and l + 1.</summary>
internal static unsafe class LaneSums
{
    /// <summary>Lanes of a sum.</summary>
    public const int Lanes = 16;

    /// <summary>Sums that <see cref="Add8"/> finishes at once.</summary>
    public const int Sums = 8;

    /// <summary>The definition.</summary>
    public static float AddScalar(Span<float> lanes)
    {
        for (var half = Lanes / 2; half > 0; half /= 2)
        {
            for (var lane = 0; lane < half; lane++)
                lanes[lane] += lanes[lane + half];
        }

        return lanes[0];
    }

    /// <summary>The sum of 16 lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Add(float* lanes)
    {
        var four = Fold(lanes);
        var two = four + Vector128.Shuffle(four, Vector128.Create(2, 3, 2, 3));
        return two.ToScalar() + two.GetElement(1);
    }

    /// <summary>Eight sums of 16 lanes each, [8, 16].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add8(float* lanes) => Vector256.Create(Add4(lanes), Add4(lanes + (4 * Lanes)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Add4(float* lanes)
    {
        var a = Halves(Fold(lanes), Fold(lanes + Lanes));
        var b = Halves(Fold(lanes + (2 * Lanes)), Fold(lanes + (3 * Lanes)));
        if (Sse.IsSupported)
            return Sse.Shuffle(a, b, 0b10_00_10_00) + Sse.Shuffle(a, b, 0b11_01_11_01);
        if (AdvSimd.Arm64.IsSupported)
            return AdvSimd.Arm64.UnzipEven(a, b) + AdvSimd.Arm64.UnzipOdd(a, b);
        return Vector128.Create(a[0] + a[1], a[2] + a[3], b[0] + b[1], b[2] + b[3]);
    }

    // Lanes l and l + 8, then l and l + 4.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Fold(float* lanes) =>
        (Vector128.Load(lanes) + Vector128.Load(lanes + 8)) + (Vector128.Load(lanes + 4) + Vector128.Load(lanes + 12));

    // Lanes l and l + 2 of two sums: [a0, a1, b0, b1].
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Halves(Vector128<float> a, Vector128<float> b) =>
        Vector128.Create(a.GetLower(), b.GetLower()) + Vector128.Create(a.GetUpper(), b.GetUpper());
}
