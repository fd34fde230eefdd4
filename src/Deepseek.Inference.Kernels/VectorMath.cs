using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>Operations on every element of vectors in single precision, in the caller's thread and without allocation.</summary>
/// <remarks>
/// Each is written once, over <see cref="IVectorLanes{T}"/>: every width makes the same roundings of an element, and what is left after whole vectors goes one by one. So all paths return the same
/// bits, except which NaN comes of two. A destination may be a source, if they begin together.
/// </remarks>
internal static unsafe partial class VectorMath
{
    /// <summary>Adds a vector: y = x + y.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="x">What is added, [count].</param>
    /// <param name="y">What it is added to, [count].</param>
    /// <param name="count">Elements.</param>
    public static void Add(KernelPath path, float* x, float* y, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var done = path switch
        {
            >= KernelPath.Avx512 => Add<Vector512<float>, Vector512Lanes>(x, y, 0, count),
            KernelPath.Avx2 => Add<Vector256<float>, Vector256Lanes>(x, y, 0, count),
            KernelPath.Vector128 => Add<Vector128<float>, Vector128Lanes>(x, y, 0, count),
            _ => 0,
        };
        Add<float, ScalarLanes>(x, y, done, count);
    }

    /// <summary>Adds a vector times a factor: y = x · factor + y, rounded once.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="x">What is added, [count].</param>
    /// <param name="factor">How many times.</param>
    /// <param name="y">What it is added to, [count].</param>
    /// <param name="count">Elements.</param>
    public static void AddScaled(KernelPath path, float* x, float factor, float* y, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var done = path switch
        {
            >= KernelPath.Avx512 => AddScaled<Vector512<float>, Vector512Lanes>(x, factor, y, 0, count),
            KernelPath.Avx2 => AddScaled<Vector256<float>, Vector256Lanes>(x, factor, y, 0, count),
            KernelPath.Vector128 => AddScaled<Vector128<float>, Vector128Lanes>(x, factor, y, 0, count),
            _ => 0,
        };
        AddScaled<float, ScalarLanes>(x, factor, y, done, count);
    }

    /// <summary>The gate of a feed-forward network: gate / (1 + e^−gate) · up.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="gate">What opens the gate, [count].</param>
    /// <param name="up">What passes it, [count].</param>
    /// <param name="destination">Receives [count].</param>
    /// <param name="count">Elements.</param>
    /// <remarks>Exponential, sum, quotient and product are rounded one after the other. Below −88.73 the result is a zero, where the true one is below 2e-37 · up.</remarks>
    public static void SiluMultiply(KernelPath path, float* gate, float* up, float* destination, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var done = path switch
        {
            >= KernelPath.Avx512 => SiluMultiply<Vector512<float>, Vector512Lanes>(gate, up, destination, 0, count),
            KernelPath.Avx2 => SiluMultiply<Vector256<float>, Vector256Lanes>(gate, up, destination, 0, count),
            KernelPath.Vector128 => SiluMultiply<Vector128<float>, Vector128Lanes>(gate, up, destination, 0, count),
            _ => 0,
        };
        SiluMultiply<float, ScalarLanes>(gate, up, destination, done, count);
    }

    private static int Add<T, TLanes>(float* x, float* y, int first, int count)
        where T : unmanaged
        where TLanes : struct, IVectorLanes<T>
    {
        nint i = first;
        for (; i <= count - TLanes.Count; i += TLanes.Count)
            TLanes.Store(TLanes.Add(TLanes.Load(x + i), TLanes.Load(y + i)), y + i);
        return (int)i;
    }

    private static int AddScaled<T, TLanes>(float* x, float factor, float* y, int first, int count)
        where T : unmanaged
        where TLanes : struct, IVectorLanes<T>
    {
        var factors = TLanes.Create(factor);
        nint i = first;
        for (; i <= count - TLanes.Count; i += TLanes.Count)
            TLanes.Store(TLanes.FusedMultiplyAdd(TLanes.Load(x + i), factors, TLanes.Load(y + i)), y + i);
        return (int)i;
    }

    private static int SiluMultiply<T, TLanes>(float* gate, float* up, float* destination, int first, int count)
        where T : unmanaged
        where TLanes : struct, IVectorLanes<T>
    {
        var (zero, one) = (TLanes.Create(0), TLanes.Create(1));
        nint i = first;
        for (; i <= count - TLanes.Count; i += TLanes.Count)
        {
            var g = TLanes.Load(gate + i);
            var silu = TLanes.Divide(g, TLanes.Add(one, TLanes.Exp(TLanes.Subtract(zero, g))));
            TLanes.Store(TLanes.Multiply(silu, TLanes.Load(up + i)), destination + i);
        }

        return (int)i;
    }
}
