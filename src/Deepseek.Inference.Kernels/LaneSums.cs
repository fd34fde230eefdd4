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

    // Shuffles of two vectors' four lanes: two of each.
    private const byte LowPairs = 0b01_00_01_00;
    private const byte HighPairs = 0b11_10_11_10;
    private const byte Evens = 0b10_00_10_00;
    private const byte Odds = 0b11_01_11_01;

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
    public static Vector256<float> Add8(float* lanes)
    {
        if (!Avx.IsSupported)
            return Vector256.Create(Add4(lanes), Add4(lanes + (4 * Lanes)));

        // Sums 0 to 3 end in the lower half, 4 to 7 in the upper.
        var (a, b, c, d) = (Quarter(lanes), Quarter(lanes + Lanes), Quarter(lanes + (2 * Lanes)), Quarter(lanes + (3 * Lanes)));
        var ab = Avx.Shuffle(a, b, LowPairs) + Avx.Shuffle(a, b, HighPairs);
        var cd = Avx.Shuffle(c, d, LowPairs) + Avx.Shuffle(c, d, HighPairs);
        return Avx.Shuffle(ab, cd, Evens) + Avx.Shuffle(ab, cd, Odds);
    }

    // Four lanes of one sum, and of the one that is four further.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Quarter(float* lanes)
    {
        var first = Vector256.Load(lanes) + Vector256.Load(lanes + 8);
        var second = Vector256.Load(lanes + (4 * Lanes)) + Vector256.Load(lanes + (4 * Lanes) + 8);
        return Avx.Permute2x128(first, second, 0x20) + Avx.Permute2x128(first, second, 0x31);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Add4(float* lanes)
    {
        var (a, b, c, d) = (Fold(lanes), Fold(lanes + Lanes), Fold(lanes + (2 * Lanes)), Fold(lanes + (3 * Lanes)));
        if (AdvSimd.Arm64.IsSupported)
            return AdvSimd.Arm64.UnzipEven(Halves(a, b), Halves(c, d)) + AdvSimd.Arm64.UnzipOdd(Halves(a, b), Halves(c, d));
        if (Sse.IsSupported)
        {
            var ab = Sse.Shuffle(a, b, LowPairs) + Sse.Shuffle(a, b, HighPairs);
            var cd = Sse.Shuffle(c, d, LowPairs) + Sse.Shuffle(c, d, HighPairs);
            return Sse.Shuffle(ab, cd, Evens) + Sse.Shuffle(ab, cd, Odds);
        }

        return Vector128.Create(AddFour(a), AddFour(b), AddFour(c), AddFour(d));
    }

    // Lanes l and l + 8, then l and l + 4.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Fold(float* lanes) =>
        (Vector128.Load(lanes) + Vector128.Load(lanes + 8)) + (Vector128.Load(lanes + 4) + Vector128.Load(lanes + 12));

    // Lanes l and l + 2 of two sums.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Halves(Vector128<float> a, Vector128<float> b) =>
        AdvSimd.Arm64.ZipLow(a.AsDouble(), b.AsDouble()).AsSingle() + AdvSimd.Arm64.ZipHigh(a.AsDouble(), b.AsDouble()).AsSingle();

    private static float AddFour(Vector128<float> four) => (four[0] + four[2]) + (four[1] + four[3]);
}
