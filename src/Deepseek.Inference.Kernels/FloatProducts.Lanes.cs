using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// The partial sums of outputs become one: l and l + 8, then l + 4, l + 2, l + 1.
internal static unsafe partial class FloatProducts
{
    private static void AddLanes(float* sums, int outputs, float* y)
    {
        const int step = 4;
        var r = 0;
        for (; r <= outputs - step; r += step, sums += step * Lanes)
        {
            var first = Halves(Four(sums), Four(sums + Lanes));
            var second = Halves(Four(sums + (2 * Lanes)), Four(sums + (3 * Lanes)));
            (Vector128.Create(first.GetLower(), second.GetLower()) + Vector128.Create(first.GetUpper(), second.GetUpper())).Store(y + r);
        }

        for (; r < outputs; r++, sums += Lanes)
        {
            var four = Four(sums);
            var two = four + Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1));
            y[r] = two[0] + two[1];
        }
    }

    /// <summary>Partial sums 0 to 3 after l + 8 and l + 4 have joined.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Four(float* sums) =>
        (Vector128.Load(sums) + Vector128.Load(sums + 8)) + (Vector128.Load(sums + 4) + Vector128.Load(sums + 12));

    /// <summary>Of two outputs a and b: a₀ + a₂, b₀ + b₂, a₁ + a₃, b₁ + b₃.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Halves(Vector128<float> a, Vector128<float> b)
    {
        if (Sse.IsSupported)
            return Sse.UnpackLow(a, b) + Sse.UnpackHigh(a, b);
        if (AdvSimd.Arm64.IsSupported)
            return AdvSimd.Arm64.ZipLow(a, b) + AdvSimd.Arm64.ZipHigh(a, b);
        return Vector128.Create(a[0], b[0], a[1], b[1]) + Vector128.Create(a[2], b[2], a[3], b[3]);
    }
}
