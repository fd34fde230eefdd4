using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>Multiply-adds between registers, over and over: nothing but arithmetic decides how long they take.</summary>
internal abstract class ArithmeticRounds : TeamWork
{
    /// <summary>Multiply-adds that do not wait for one another: the five or six cycles of one, times the two that may begin in a cycle. With their operands they fit into 16 registers.</summary>
    protected const int Chains = 12;

    /// <summary>Rounds of an item: a fraction of a millisecond.</summary>
    protected const int Rounds = 50_000;

    /// <summary>Operations of an item; a multiply-add is two.</summary>
    public abstract long OperationsPerItem { get; }

    /// <summary>16-bit whole numbers into 32-bit sums.</summary>
    public static ArithmeticRounds OfInt16(KernelPath path, int workers) => path switch
    {
        KernelPath.Avx512 => new Of<Vector512<int>, Int16Avx512>(workers),
        KernelPath.Avx2 => new Of<Vector256<int>, Int16Avx2>(workers),
        KernelPath.Vector128 when Sse2.IsSupported => new Of<Vector128<int>, Int16Sse2>(workers),
        KernelPath.Vector128 => new Of<Vector128<int>, Int32Vector128>(workers),
        _ => new Of<int, Int32Scalar>(workers),
    };

    /// <summary>8-bit whole numbers into 32-bit sums.</summary>
    public static ArithmeticRounds OfInt8(KernelPath path, int workers) => path switch
    {
        KernelPath.Avx512 or KernelPath.Avx2 when AvxVnni.IsSupported => new Of<Vector256<int>, Int8Vnni>(workers),
        KernelPath.Avx512 => new Of<Vector512<int>, Int8Avx512>(workers),
        KernelPath.Avx2 => new Of<Vector256<int>, Int8Avx2>(workers),
        KernelPath.Vector128 when Ssse3.IsSupported => new Of<Vector128<int>, Int8Ssse3>(workers),
        KernelPath.Vector128 => new Of<Vector128<int>, Int32Vector128>(workers),
        _ => new Of<int, Int32Scalar>(workers),
    };

    /// <summary>Single precision.</summary>
    public static ArithmeticRounds OfFp32(KernelPath path, int workers) => path switch
    {
        KernelPath.Avx512 => new Of<Vector512<float>, Fp32Avx512>(workers),
        KernelPath.Avx2 => new Of<Vector256<float>, Fp32Avx2>(workers),
        KernelPath.Vector128 => new Of<Vector128<float>, Fp32Vector128>(workers),
        _ => new Of<float, Fp32Scalar>(workers),
    };

    private sealed class Of<T, TStep>(int workers) : ArithmeticRounds
        where T : unmanaged
        where TStep : struct, IMultiplyAdd<T>
    {
        // Kept, so that no compiler may find the arithmetic useless.
        private readonly T[] _last = new T[workers];

        public override long OperationsPerItem => 2L * TStep.Products * Chains * Rounds;

        public override void Run(int item, int worker) => _last[worker] = Chain(TStep.Start);

        /// <summary>Every product takes its chain's last sum as an operand: none can be computed ahead of the loop. Compiled well at once: it must not be timed in a slower form.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static T Chain(T x)
        {
            T a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
            for (var round = 0; round < Rounds; round++)
            {
                a = TStep.Next(a, x);
                b = TStep.Next(b, x);
                c = TStep.Next(c, x);
                d = TStep.Next(d, x);
                e = TStep.Next(e, x);
                f = TStep.Next(f, x);
                g = TStep.Next(g, x);
                h = TStep.Next(h, x);
                i = TStep.Next(i, x);
                j = TStep.Next(j, x);
                k = TStep.Next(k, x);
                l = TStep.Next(l, x);
            }

            return Fold(Fold(Fold(a, b), Fold(c, d)), Fold(Fold(Fold(e, f), Fold(g, h)), Fold(Fold(i, j), Fold(k, l))));

            static T Fold(T first, T second) => TStep.Next(first, second);
        }
    }
}
