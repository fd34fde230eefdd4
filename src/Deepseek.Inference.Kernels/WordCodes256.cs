using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>64 weights as 16-bit numbers for AVX2, in the order of <see cref="ActivationOrder.Pairs"/>.</summary>
/// <remarks>
/// A level of 16 bits comes from two byte tables, joined by an unpacking, which leaves neighbouring columns as pairs. The bytes are put in order beforehand, so that pairs of a lane of
/// four columns lie in the same place of both vectors of a half.
/// </remarks>
internal readonly unsafe struct WordCodes256(Vector256<short> a, Vector256<short> b, Vector256<short> c, Vector256<short> d) : IProductCodes<WordCodes256>
{
    private readonly Vector256<short> _a = a; // columns 0 to 31: the first two of each four
    private readonly Vector256<short> _b = b; // their last two
    private readonly Vector256<short> _c = c; // columns 32 to 63
    private readonly Vector256<short> _d = d;

    public static int Bytes => 4 * Vector256<byte>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes256 FromLowNibbles(byte* line) => Levels(Ordered(line), Ordered(line + 32));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes256 FromHighNibbles(byte* line) =>
        Levels(Vector256.ShiftRightLogical(Ordered(line).AsUInt16(), 4).AsByte(), Vector256.ShiftRightLogical(Ordered(line + 32).AsUInt16(), 4).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes256 FromBytes(byte* line)
    {
        var (first, second) = (Ordered(line), Ordered(line + 32));
        var firstSign = Avx2.CompareGreaterThan(Vector256<sbyte>.Zero, first.AsSByte()).AsByte();
        var secondSign = Avx2.CompareGreaterThan(Vector256<sbyte>.Zero, second.AsSByte()).AsByte();
        return Join(first, firstSign, second, secondSign);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes256 Load(byte* source) =>
        new(Vector256.Load((short*)source), Vector256.Load((short*)source + 16), Vector256.Load((short*)source + 32), Vector256.Load((short*)source + 48));

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
    private static Vector256<byte> Ordered(byte* bytes) => Avx2.Shuffle(Vector256.Load(bytes), ProductTables.PairOrder);

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
