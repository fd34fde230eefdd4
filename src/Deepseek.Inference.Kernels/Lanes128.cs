using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>128-bit vectors, in portable form.</summary>
internal readonly unsafe struct Lanes128 : ILanes<Vector128<float>, Vector128<int>, Vector128<short>>
{
    // 1.5 · 2²³ has a last place of 1: adding it rounds to a whole number, whose two's complement its last bits hold.
    private const float Rounder = 12582912f;

    public static int Count => Vector128<float>.Count;

    public static KernelPath WideningPath => KernelPath.Vector128;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Create(float value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* from) => Vector128.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<float> value, float* to) => value.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Add(Vector128<float> a, Vector128<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Subtract(Vector128<float> a, Vector128<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Multiply(Vector128<float> a, Vector128<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Divide(Vector128<float> a, Vector128<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> FusedMultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c) => Vector128.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Max(Vector128<float> a, Vector128<float> b) => Vector128.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MaxMagnitude(Vector128<float> magnitudes, Vector128<float> values) => Vector128.Max(magnitudes.AsInt32(), Vector128.Abs(values).AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Abs(Vector128<float> value) => Vector128.Abs(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Exp(Vector128<float> value) => FastExp.Exp(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> ZeroWhereZero(Vector128<float> test, Vector128<float> values) => Vector128.AndNot(values, Vector128.Equals(test, Vector128<float>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreRounded(Vector128<float> value, short* to)
    {
        var bits = (value + Vector128.Create(Rounder)).AsInt32();
        Unsafe.WriteUnaligned(to, Vector128.Narrow(bits, bits).AsInt64().ToScalar());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreRoundedPairs(Vector128<float> first, Vector128<float> second, short* to)
    {
        var (low, high) = ((first + Vector128.Create(Rounder)).AsInt32(), (second + Vector128.Create(Rounder)).AsInt32());
        ((low & Vector128.Create(0xFFFF)) | Vector128.ShiftLeft(high, 16)).Store((int*)to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<short> Load(short* from) => Vector128.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<short> Widen(sbyte* from) => Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<long>(from)).AsSByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector128<short> First, Vector128<short> Second) WidenPairs(sbyte* a, sbyte* b) => Interleave(Widen(a), Widen(b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<short> value, short* to) => value.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<short> CreatePair(short* from) => Vector128.Create(Unsafe.ReadUnaligned<int>(from)).AsInt16();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> MultiplyPairs(Vector128<short> x, Vector128<short> a)
    {
        if (Sse2.IsSupported)
            return Sse2.MultiplyAddAdjacent(x, a);
        if (AdvSimd.Arm64.IsSupported)
            return AdvSimd.Arm64.AddPairwise(AdvSimd.MultiplyWideningLower(x.GetLower(), a.GetLower()), AdvSimd.MultiplyWideningUpper(x, a));

        var (xLow, xHigh) = Vector128.Widen(x);
        var (aLow, aHigh) = Vector128.Widen(a);
        var (low, high) = (xLow * aLow, xHigh * aHigh);
        return Vector128.Create(low[0] + low[1], low[2] + low[3], high[0] + high[1], high[2] + high[3]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd(Vector128<short> x, Vector128<short> a, Vector128<short> b, ref Vector128<int> first, ref Vector128<int> second)
    {
        first += MultiplyPairs(x, a);
        second += MultiplyPairs(x, b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> ToSingle(Vector128<int> value) => Vector128.ConvertToSingle(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Sums(Vector128<int> a, Vector128<int> b, Vector128<int> c, Vector128<int> d) =>
        Vector128.Create(Vector128.Sum(a), Vector128.Sum(b), Vector128.Sum(c), Vector128.Sum(d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector128<short> First, Vector128<short> Second) Interleave(Vector128<short> a, Vector128<short> b)
    {
        if (Sse2.IsSupported)
            return (Sse2.UnpackLow(a, b), Sse2.UnpackHigh(a, b));
        if (AdvSimd.Arm64.IsSupported)
            return (AdvSimd.Arm64.ZipLow(a, b), AdvSimd.Arm64.ZipHigh(a, b));

        return (Vector128.Create(a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3]), Vector128.Create(a[4], b[4], a[5], b[5], a[6], b[6], a[7], b[7]));
    }
}
