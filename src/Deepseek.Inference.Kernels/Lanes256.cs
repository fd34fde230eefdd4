using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>256-bit vectors of x86.</summary>
internal readonly unsafe struct Lanes256 : ILanes<Vector256<float>, Vector256<int>, Vector256<short>>
{
    // 1.5 · 2²³ has a last place of 1: adding it rounds to a whole number, whose two's complement its last bits hold.
    private const float Rounder = 12582912f;

    public static int Count => Vector256<float>.Count;

    public static KernelPath WideningPath => KernelPath.Avx2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Create(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* from) => Vector256.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<float> value, float* to) => value.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Subtract(Vector256<float> a, Vector256<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Divide(Vector256<float> a, Vector256<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> FusedMultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Vector256.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Vector256.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MaxMagnitude(Vector256<float> magnitudes, Vector256<float> values) => Vector256.Max(magnitudes.AsInt32(), Vector256.Abs(values).AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Abs(Vector256<float> value) => Vector256.Abs(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Exp(Vector256<float> value) => FastExp.Exp(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ZeroWhereZero(Vector256<float> test, Vector256<float> values) => Vector256.AndNot(values, Vector256.Equals(test, Vector256<float>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreRounded(Vector256<float> value, short* to)
    {
        var bits = (value + Vector256.Create(Rounder)).AsInt32();
        Vector128.Narrow(bits.GetLower(), bits.GetUpper()).Store(to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreRoundedPairs(Vector256<float> first, Vector256<float> second, short* to)
    {
        var (low, high) = ((first + Vector256.Create(Rounder)).AsInt32(), (second + Vector256.Create(Rounder)).AsInt32());
        ((low & Vector256.Create(0xFFFF)) | Vector256.ShiftLeft(high, 16)).Store((int*)to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Load(short* from) => Vector256.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Widen(sbyte* from) => Avx2.ConvertToVector256Int16(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<short> First, Vector256<short> Second) WidenPairs(sbyte* a, sbyte* b)
    {
        var (x, y) = (Vector128.Load(a), Vector128.Load(b));
        return (Avx2.ConvertToVector256Int16(Sse2.UnpackLow(x, y)), Avx2.ConvertToVector256Int16(Sse2.UnpackHigh(x, y)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<short> value, short* to) => value.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> CreatePair(short* from) => Vector256.Create(Unsafe.ReadUnaligned<int>(from)).AsInt16();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> MultiplyPairs(Vector256<short> x, Vector256<short> a) => Avx2.MultiplyAddAdjacent(x, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd(Vector256<short> x, Vector256<short> a, Vector256<short> b, ref Vector256<int> first, ref Vector256<int> second)
    {
        first = MultiplyAdd(x, a, first);
        second = MultiplyAdd(x, b, second);
    }

    /// <summary>c, and of words' products each two neighbours.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> MultiplyAdd(Vector256<short> a, Vector256<short> b, Vector256<int> c) =>
        AvxVnni.IsSupported ? AvxVnni.MultiplyWideningAndAdd(c, a, b) : c + Avx2.MultiplyAddAdjacent(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ToSingle(Vector256<int> value) => Vector256.ConvertToSingle(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Sums(Vector256<int> a, Vector256<int> b, Vector256<int> c, Vector256<int> d)
    {
        var sums = Avx2.HorizontalAdd(Avx2.HorizontalAdd(a, b), Avx2.HorizontalAdd(c, d)); // within each half
        return sums.GetLower() + sums.GetUpper();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<short> First, Vector256<short> Second) Interleave(Vector256<short> a, Vector256<short> b)
    {
        var (low, high) = (Avx2.UnpackLow(a, b), Avx2.UnpackHigh(a, b)); // within each half
        return (Avx2.Permute2x128(low, high, 0x20), Avx2.Permute2x128(low, high, 0x31));
    }
}
