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

    // No variables for mask and tables: the compiler would copy the registers that hold them for every use.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes256 FromNibbles(Vector256<byte> first, Vector256<byte> second) => Join(
        Avx2.Shuffle(ProductTables.WordLow, first), Avx2.Shuffle(ProductTables.WordHigh, first),
        Avx2.Shuffle(ProductTables.WordLow, second), Avx2.Shuffle(ProductTables.WordHigh, second));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes256 FromBytes(Vector256<byte> first, Vector256<byte> second) => Join(first, Signs(first), second, Signs(second));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<byte> Low, Vector256<byte> High) MixRows(Vector256<byte> first, Vector256<byte> second) =>
        (Avx2.UnpackLow(first.AsInt16(), second.AsInt16()).AsByte(), Avx2.UnpackHigh(first.AsInt16(), second.AsInt16()).AsByte());

    /// <summary>In each half of a vector four rows' first two columns, then their last two: joined, two columns of a row are a lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<byte> Low, Vector256<byte> High) MixPairs(Vector256<byte> first, Vector256<byte> second) =>
        (Avx2.UnpackLow(first.AsInt32(), second.AsInt32()).AsByte(), Avx2.UnpackHigh(first.AsInt32(), second.AsInt32()).AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNibbles(Vector256<byte> codes, int quad, byte* destination) =>
        StorePairs(Avx2.Shuffle(ProductTables.WordLow, codes), Avx2.Shuffle(ProductTables.WordHigh, codes), quad, destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Vector256<byte> codes, int quad, byte* destination) => StorePairs(codes, Signs(codes), quad, destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<int> Multiply(byte* x, int offset) =>
        Products(_a, x, offset) + Products(_b, x, offset + 32) + (Products(_c, x, offset + 64) + Products(_d, x, offset + 96));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Begin(byte* x) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Operand(byte* x, nint group) => Vector256.Create(((int*)x)[group]).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> SecondOperand(byte* x, nint group) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sums, byte* weights, Vector256<byte> operand, Vector256<byte> second) =>
        sums + Avx2.MultiplyAddAdjacent(operand.AsInt16(), Vector256.Load((short*)weights));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Products(Vector256<short> weights, byte* x, int offset) => Avx2.MultiplyAddAdjacent(weights, Vector256.Load(x + offset).AsInt16());

    /// <summary>What makes 8-bit numbers 16-bit ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Signs(Vector256<byte> codes) => Avx2.CompareGreaterThan(Vector256<sbyte>.Zero, codes.AsSByte()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePairs(Vector256<byte> low, Vector256<byte> high, int quad, byte* destination)
    {
        // Where the order of activations has the columns: of the four eighths of a block that half of it has the middle ones change places.
        var place = (quad / 2 % 2 * 2) + (quad / 4);
        var to = destination + (((place * 4) + (quad % 2 * 2)) * IBandLoops.GroupBytes);
        Avx2.UnpackLow(low, high).Store(to);
        Avx2.UnpackHigh(low, high).Store(to + IBandLoops.GroupBytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static WordCodes256 Join(Vector256<byte> firstLow, Vector256<byte> firstHigh, Vector256<byte> secondLow, Vector256<byte> secondHigh) => new(
        Avx2.UnpackLow(firstLow, firstHigh).AsInt16(), Avx2.UnpackHigh(firstLow, firstHigh).AsInt16(),
        Avx2.UnpackLow(secondLow, secondHigh).AsInt16(), Avx2.UnpackHigh(secondLow, secondHigh).AsInt16());
}
