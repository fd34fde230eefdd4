using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// Root-mean-square normalisation (arXiv:1910.07467).
internal static unsafe partial class VectorMath
{
    /// <summary>Normalises a vector: x · (1 / √(mean of squares + ε)) · w.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="x">The vector, [count].</param>
    /// <param name="weight">The gain w, [count].</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="destination">Receives [count].</param>
    /// <param name="count">Elements.</param>
    /// <remarks>
    /// The sum of squares has the order of <see cref="FloatProducts.Multiply"/>. The reciprocal root is computed in double precision and rounded to single once; then follow two products, each rounded.
    /// </remarks>
    public static void RmsNorm(KernelPath path, float* x, float* weight, double epsilon, float* destination, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        float squares;
        FloatProducts.Multiply(path, x, count, 1, x, count, 1, count, &squares, 1);
        var inverse = (float)(1 / Math.Sqrt((squares / (double)count) + epsilon));
        var done = path switch
        {
            >= KernelPath.Avx512 => Normalise<Vector512<float>, Vector512Lanes>(x, weight, inverse, destination, 0, count),
            KernelPath.Avx2 => Normalise<Vector256<float>, Vector256Lanes>(x, weight, inverse, destination, 0, count),
            KernelPath.Vector128 => Normalise<Vector128<float>, Vector128Lanes>(x, weight, inverse, destination, 0, count),
            _ => 0,
        };
        Normalise<float, ScalarLanes>(x, weight, inverse, destination, done, count);
    }

    private static int Normalise<T, TLanes>(float* x, float* weight, float inverse, float* destination, int first, int count)
        where T : unmanaged
        where TLanes : struct, IVectorLanes<T>
    {
        var factor = TLanes.Create(inverse);
        nint i = first;
        for (; i <= count - TLanes.Count; i += TLanes.Count)
            TLanes.Store(TLanes.Multiply(TLanes.Multiply(TLanes.Load(x + i), factor), TLanes.Load(weight + i)), destination + i);
        return (int)i;
    }
}
