using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>512-bit vectors of x86. Where the processor has none, as in a test, two halves compute the same.</summary>
internal readonly unsafe struct Lanes512 : ILanes<Vector512<float>, Vector512<int>, Vector512<short>>
{
    // 1.5 · 2²³ has a last place of 1: adding it rounds to a whole number, whose two's complement its last bits hold.
    private const float Rounder = 12582912f;

    public static int Count => Vector512<float>.Count;

    public static KernelPath WideningPath => Avx512F.VL.IsSupported ? KernelPath.Avx512 : KernelPath.Avx2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Create(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* from) => Vector512.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, float* to) => value.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Subtract(Vector512<float> a, Vector512<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Divide(Vector512<float> a, Vector512<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FusedMultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Max(Vector512<float> a, Vector512<float> b) => Vector512.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MaxMagnitude(Vector512<float> magnitudes, Vector512<float> values) => Vector512.Max(magnitudes.AsInt32(), Vector512.Abs(values).AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Abs(Vector512<float> value) => Vector512.Abs(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> value) => FastExp.Exp(value);

    // A comparison gives a mask there, which a move can take.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ZeroWhereZero(Vector512<float> test, Vector512<float> values) => Vector512.ConditionalSelect(Vector512.Equals(test, Vector512<float>.Zero), Vector512<float>.Zero, values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreRounded(Vector512<float> value, short* to)
    {
        var bits = (value + Vector512.Create(Rounder)).AsInt32();
        Vector256.Narrow(bits.GetLower(), bits.GetUpper()).Store(to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreRoundedPairs(Vector512<float> first, Vector512<float> second, short* to)
    {
        var (low, high) = ((first + Vector512.Create(Rounder)).AsInt32(), (second + Vector512.Create(Rounder)).AsInt32());
        ((low & Vector512.Create(0xFFFF)) | Vector512.ShiftLeft(high, 16)).Store((int*)to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Load(short* from) => Vector512.Load(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> Widen(sbyte* from)
    {
        if (Avx512BW.IsSupported)
            return Avx512BW.ConvertToVector512Int16(Vector256.Load(from));
        var (lower, upper) = Vector256.Widen(Vector256.Load(from));
        return Vector512.Create(lower, upper);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<short> First, Vector512<short> Second) WidenPairs(sbyte* a, sbyte* b)
    {
        if (Avx512BW.IsSupported)
        {
            // Unpacking stays within halves of 128 bits: what belongs to the first result comes first in each.
            var x = Avx2.Permute4x64(Vector256.Load(a).AsInt64(), 0b11_01_10_00).AsSByte();
            var y = Avx2.Permute4x64(Vector256.Load(b).AsInt64(), 0b11_01_10_00).AsSByte();
            return (Avx512BW.ConvertToVector512Int16(Avx2.UnpackLow(x, y)), Avx512BW.ConvertToVector512Int16(Avx2.UnpackHigh(x, y)));
        }

        var (first, second) = Lanes256.WidenPairs(a, b);
        var (third, fourth) = Lanes256.WidenPairs(a + Vector256<short>.Count, b + Vector256<short>.Count);
        return (Vector512.Create(first, second), Vector512.Create(third, fourth));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<short> value, short* to) => value.Store(to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<short> CreatePair(short* from) => Vector512.Create(Unsafe.ReadUnaligned<int>(from)).AsInt16();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> MultiplyPairs(Vector512<short> x, Vector512<short> a) => Avx512Words.MultiplyAddAdjacent(x, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyAdd(Vector512<short> x, Vector512<short> a, Vector512<short> b, ref Vector512<int> first, ref Vector512<int> second)
    {
        var (p, q) = (MultiplyPairs(x, a), MultiplyPairs(x, b));
        first += p;
        second += q;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ToSingle(Vector512<int> value) => Vector512.ConvertToSingle(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> Sums(Vector512<int> a, Vector512<int> b, Vector512<int> c, Vector512<int> d) =>
        Lanes256.Sums(a.GetLower() + a.GetUpper(), b.GetLower() + b.GetUpper(), c.GetLower() + c.GetUpper(), d.GetLower() + d.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<short> First, Vector512<short> Second) Interleave(Vector512<short> a, Vector512<short> b)
    {
        if (Avx512BW.IsSupported)
        {
            var lower = Vector512.Create(
                0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39, 8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47);
            return (Avx512BW.PermuteVar32x16x2(a, lower, b), Avx512BW.PermuteVar32x16x2(a, lower + Vector512.Create((short)16), b));
        }

        var (first, second) = Lanes256.Interleave(a.GetLower(), b.GetLower());
        var (third, fourth) = Lanes256.Interleave(a.GetUpper(), b.GetUpper());
        return (Vector512.Create(first, second), Vector512.Create(third, fourth));
    }
}
