using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// Pairs of dimensions turned by angles (RoFormer, arXiv:2104.09864, §3.2): a · cos − b · sin and a · sin + b · cos. Each product is rounded, then the difference or the sum, as tensors do it.
internal static unsafe partial class VectorMath
{
    /// <summary>Turns the pairs (2i, 2i + 1), as DeepSeek's checkpoints are laid out.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="x">The vector, [2 · pairs].</param>
    /// <param name="cosine">The cosines of the pairs' angles, [pairs].</param>
    /// <param name="sine">Their sines, [pairs].</param>
    /// <param name="destination">Receives [2 · pairs].</param>
    /// <param name="pairs">Pairs.</param>
    public static void TurnInterleaved(KernelPath path, float* x, float* cosine, float* sine, float* destination, int pairs)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pairs);
        var done = path switch
        {
            // The vectors of 256 bits serve the longest, too: 64 dimensions are eight of them.
            >= KernelPath.Avx2 => TurnInterleaved256(x, cosine, sine, destination, pairs),
            KernelPath.Vector128 => TurnInterleaved128(x, cosine, sine, destination, pairs),
            _ => 0,
        };
        for (var i = done; i < pairs; i++)
        {
            var (even, odd) = (x[2 * i], x[(2 * i) + 1]);
            destination[2 * i] = (even * cosine[i]) - (odd * sine[i]);
            destination[(2 * i) + 1] = (even * sine[i]) + (odd * cosine[i]);
        }
    }

    /// <summary>Turns the pairs (i, i + pairs), as Llama's and Qwen's checkpoints are laid out.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="x">The vector, [2 · pairs].</param>
    /// <param name="cosine">The cosines of the pairs' angles, [pairs].</param>
    /// <param name="sine">Their sines, [pairs].</param>
    /// <param name="destination">Receives [2 · pairs].</param>
    /// <param name="pairs">Pairs.</param>
    public static void TurnHalves(KernelPath path, float* x, float* cosine, float* sine, float* destination, int pairs)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pairs);
        var done = path switch
        {
            >= KernelPath.Avx512 => TurnHalves<Vector512<float>, Vector512Lanes>(x, cosine, sine, destination, 0, pairs),
            KernelPath.Avx2 => TurnHalves<Vector256<float>, Vector256Lanes>(x, cosine, sine, destination, 0, pairs),
            KernelPath.Vector128 => TurnHalves<Vector128<float>, Vector128Lanes>(x, cosine, sine, destination, 0, pairs),
            _ => 0,
        };
        TurnHalves<float, ScalarLanes>(x, cosine, sine, destination, done, pairs);
    }

    private static int TurnHalves<T, TLanes>(float* x, float* cosine, float* sine, float* destination, int first, int pairs)
        where T : unmanaged
        where TLanes : struct, IVectorLanes<T>
    {
        nint i = first;
        for (; i <= pairs - TLanes.Count; i += TLanes.Count)
        {
            var (a, b, cos, sin) = (TLanes.Load(x + i), TLanes.Load(x + pairs + i), TLanes.Load(cosine + i), TLanes.Load(sine + i));
            TLanes.Store(TLanes.Subtract(TLanes.Multiply(a, cos), TLanes.Multiply(b, sin)), destination + i);
            TLanes.Store(TLanes.Add(TLanes.Multiply(a, sin), TLanes.Multiply(b, cos)), destination + pairs + i);
        }

        return (int)i;
    }

    // A vector of pairs times the cosines, each twice, plus the pairs swapped times the sines, the first one negative: the same products, and sums of the same two.
    private static int TurnInterleaved256(float* x, float* cosine, float* sine, float* destination, int pairs)
    {
        const int Step = 4;
        var sign = Vector256.Create(0x80000000UL).AsSingle(); // of the even elements
        var end = pairs - (pairs % Step);
        for (nint i = 0; i < end; i += Step)
        {
            var value = Vector256.Load(x + (2 * i));
            var cos = Vector256.Shuffle(Vector128.Load(cosine + i).ToVector256Unsafe(), Vector256.Create(0, 0, 1, 1, 2, 2, 3, 3));
            var sin = Vector256.Shuffle(Vector128.Load(sine + i).ToVector256Unsafe(), Vector256.Create(0, 0, 1, 1, 2, 2, 3, 3)) ^ sign;
            var swapped = Vector256.Shuffle(value, Vector256.Create(1, 0, 3, 2, 5, 4, 7, 6));
            ((value * cos) + (swapped * sin)).Store(destination + (2 * i));
        }

        return end;
    }

    private static int TurnInterleaved128(float* x, float* cosine, float* sine, float* destination, int pairs)
    {
        const int Step = 2;
        var sign = Vector128.Create(0x80000000UL).AsSingle(); // of the even elements
        var end = pairs - (pairs % Step);
        for (nint i = 0; i < end; i += Step)
        {
            var value = Vector128.Load(x + (2 * i));
            var cos = Vector128.Create(cosine[i], cosine[i], cosine[i + 1], cosine[i + 1]);
            var sin = Vector128.Create(sine[i], sine[i], sine[i + 1], sine[i + 1]) ^ sign;
            var swapped = Vector128.Shuffle(value, Vector128.Create(1, 0, 3, 2));
            ((value * cos) + (swapped * sin)).Store(destination + (2 * i));
        }

        return end;
    }
}
