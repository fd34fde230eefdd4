using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>64 weights as 16-bit numbers for AVX2, in the order of <see cref="ActivationOrder.Words"/>.</summary>
/// <remarks>A level of 16 bits comes from two byte tables, joined by an unpacking within halves of a vector: activations have its order.</remarks>
internal readonly unsafe struct WordCodes256(Vector256<short> a, Vector256<short> b, Vector256<short> c, Vector256<short> d) : IProductCodes<WordCodes256>
{
    private readonly Vector256<short> _a = a; // columns 0 to 7 and 16 to 23
    private readonly Vector256<short> _b = b; // 8 to 15 and 24 to 31
    private readonly Vector256<short> _c = c; // 32 to 39 and 48 to 55
    private readonly Vector256<short> _d = d; // 40 to 47 and 56 to 63

    public static int Bytes => 4 * Vector256<byte>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes256 FromLowNibbles(byte* line) => Levels(Vector256.Load(line), Vector256.Load(line + 32));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes256 FromHighNibbles(byte* line) =>
        Levels(Vector256.ShiftRightLogical(Vector256.Load((ushort*)line), 4).AsByte(), Vector256.ShiftRightLogical(Vector256.Load((ushort*)(line + 32)), 4).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes256 FromBytes(byte* line)
    {
        var (first, second) = (Vector256.Load((sbyte*)line), Vector256.Load((sbyte*)line + 32));
        return Join(
            first.AsByte(), Avx2.CompareGreaterThan(Vector256<sbyte>.Zero, first).AsByte(),
            second.AsByte(), Avx2.CompareGreaterThan(Vector256<sbyte>.Zero, second).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(byte* destination)
    {
        _a.Store((short*)destination);
        _b.Store((short*)destination + 16);
        _c.Store((short*)destination + 32);
        _d.Store((short*)destination + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<int> Multiply(byte* x)
    {
        var words = (short*)x;
        return Avx2.MultiplyAddAdjacent(_a, Vector256.Load(words)) + Avx2.MultiplyAddAdjacent(_b, Vector256.Load(words + 16))
            + (Avx2.MultiplyAddAdjacent(_c, Vector256.Load(words + 32)) + Avx2.MultiplyAddAdjacent(_d, Vector256.Load(words + 48)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Begin(byte* x) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Operand(byte* x, int group) => Vector256.Create(((int*)x)[group]).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> SecondOperand(byte* x, int group) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sums, Vector256<byte> weights, Vector256<byte> operand, Vector256<byte> second) =>
        sums + Avx2.MultiplyAddAdjacent(weights.AsInt16(), operand.AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static WordCodes256 Levels(Vector256<byte> first, Vector256<byte> second)
    {
        var mask = Vector256.Create((byte)0xF);
        var (low, high) = (ProductTables.WordLow, ProductTables.WordHigh);
        first &= mask;
        second &= mask;
        return Join(Avx2.Shuffle(low, first), Avx2.Shuffle(high, first), Avx2.Shuffle(low, second), Avx2.Shuffle(high, second));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static WordCodes256 Join(Vector256<byte> firstLow, Vector256<byte> firstHigh, Vector256<byte> secondLow, Vector256<byte> secondHigh) => new(
        Avx2.UnpackLow(firstLow, firstHigh).AsInt16(), Avx2.UnpackHigh(firstLow, firstHigh).AsInt16(),
        Avx2.UnpackLow(secondLow, secondHigh).AsInt16(), Avx2.UnpackHigh(secondLow, secondHigh).AsInt16());
}
