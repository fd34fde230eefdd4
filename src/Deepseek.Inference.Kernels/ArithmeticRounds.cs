using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>Multiply-adds between registers, over and over: nothing but arithmetic decides how long they take.</summary>
internal abstract class ArithmeticRounds : TeamWork
{
    /// <summary>Multiply-adds that do not wait for one another: the five or six cycles of one, times the two that may begin in a cycle. With their operands they fit into 16 registers.</summary>
    public const int Chains = 12;

    /// <summary>Rounds of an item: a fraction of a millisecond.</summary>
    protected const int Rounds = 50_000;

    /// <summary>Operations of an item; a multiply-add is two.</summary>
    public abstract long OperationsPerItem { get; }

    /// <summary>16-bit whole numbers into 32-bit sums.</summary>
    public static ArithmeticRounds[] OfInt16(KernelPath path, int workers) => path switch
    {
        KernelPath.Avx512Vnni => [new VnniRounds(bytes: false)],
        >= KernelPath.Avx512 => Of<Vector512<int>, Int16Avx512>(workers),
        KernelPath.Avx2 when AvxVnni.IsSupported => Of<Vector256<int>, Int16Vnni>(workers),
        KernelPath.Avx2 => Of<Vector256<int>, Int16Avx2>(workers),
        KernelPath.Vector128 when Sse2.IsSupported => Of<Vector128<int>, Int16Sse2>(workers),
        KernelPath.Vector128 => Of<Vector128<int>, Int32Vector128>(workers),
        _ => Of<int, Int32Scalar>(workers),
    };

    /// <summary>8-bit whole numbers into 32-bit sums.</summary>
    public static ArithmeticRounds[] OfInt8(KernelPath path, int workers) => path switch
    {
        KernelPath.Avx512Vnni => [new VnniRounds(bytes: true)],
        >= KernelPath.Avx2 when AvxVnni.IsSupported => Of<Vector256<int>, Int8Vnni>(workers),
        >= KernelPath.Avx512 => Of<Vector512<int>, Int8Avx512>(workers),
        KernelPath.Avx2 => Of<Vector256<int>, Int8Avx2>(workers),
        KernelPath.Vector128 when Ssse3.IsSupported => Of<Vector128<int>, Int8Ssse3>(workers),
        KernelPath.Vector128 => Of<Vector128<int>, Int32Vector128>(workers),
        _ => Of<int, Int32Scalar>(workers),
    };

    /// <summary>Single precision.</summary>
    public static ArithmeticRounds[] OfFp32(KernelPath path, int workers) => path switch
    {
        >= KernelPath.Avx512 => Of<Vector512<float>, Fp32Avx512>(workers),
        KernelPath.Avx2 => Of<Vector256<float>, Fp32Avx2>(workers),
        KernelPath.Vector128 => Of<Vector128<float>, Fp32Vector128>(workers),
        _ => Of<float, Fp32Scalar>(workers),
    };

    private static ArithmeticRounds[] Of<T, TStep>(int workers)
        where T : unmanaged
        where TStep : struct, IMultiplyAdd<T> =>
        [new InOrder<T, TStep>(workers, atOnce: false), new InOrder<T, TStep>(workers, atOnce: true)];

    /// <summary>Multiply-adds in one of two orders: two products, then two additions, as kernels have it, or all products, then all additions. The second is faster where there are registers for so many.</summary>
    private sealed class InOrder<T, TStep>(int workers, bool atOnce) : ArithmeticRounds
        where T : unmanaged
        where TStep : struct, IMultiplyAdd<T>
    {
        // Kept, so that no compiler may find the arithmetic useless.
        private readonly T[] _last = new T[workers];

        public override long OperationsPerItem => 2L * TStep.Products * Chains * Rounds;

        public override void Run(int item, int worker) => _last[worker] = atOnce ? AtOnce(TStep.Start) : ByTwos(TStep.Start);

        /// <summary>Every product takes its chain's last sum as an operand: none can be computed ahead of the loop. Compiled well at once: it must not be timed in a slower form.</summary>
        [MethodImpl(HotLoop.Options)]
        private static T ByTwos(T x)
        {
            T a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
            for (var round = 0; round < Rounds; round++)
            {
                Two(ref a, ref b, x);
                Two(ref c, ref d, x);
                Two(ref e, ref f, x);
                Two(ref g, ref h, x);
                Two(ref i, ref j, x);
                Two(ref k, ref l, x);
            }

            return Fold(Fold(a, b, c), Fold(d, e, f), Fold(Fold(g, h, i), Fold(j, k, l), x));
        }

        [MethodImpl(HotLoop.Options)]
        private static T AtOnce(T x)
        {
            T a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
            for (var round = 0; round < Rounds; round++)
            {
                var (p, q, r, s, t, u) = (TStep.Multiply(a, x), TStep.Multiply(b, x), TStep.Multiply(c, x), TStep.Multiply(d, x), TStep.Multiply(e, x), TStep.Multiply(f, x));
                var (v, w, y, z, m, n) = (TStep.Multiply(g, x), TStep.Multiply(h, x), TStep.Multiply(i, x), TStep.Multiply(j, x), TStep.Multiply(k, x), TStep.Multiply(l, x));
                (a, b, c, d, e, f) = (TStep.Add(a, p, x), TStep.Add(b, q, x), TStep.Add(c, r, x), TStep.Add(d, s, x), TStep.Add(e, t, x), TStep.Add(f, u, x));
                (g, h, i, j, k, l) = (TStep.Add(g, v, x), TStep.Add(h, w, x), TStep.Add(i, y, x), TStep.Add(j, z, x), TStep.Add(k, m, x), TStep.Add(l, n, x));
            }

            return Fold(Fold(a, b, c), Fold(d, e, f), Fold(Fold(g, h, i), Fold(j, k, l), x));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Two(ref T first, ref T second, T x)
        {
            var p = TStep.Multiply(first, x);
            var q = TStep.Multiply(second, x);
            first = TStep.Add(first, p, x);
            second = TStep.Add(second, q, x);
        }

        private static T Fold(T first, T second, T third) => TStep.Add(TStep.Add(first, TStep.Multiply(first, second), second), third, third);
    }
}
