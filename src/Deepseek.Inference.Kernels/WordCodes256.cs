using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>Weights as 16-bit numbers for AVX2, in the order of <see cref="ActivationOrder.Words"/>.</summary>
/// <remarks>A level of 16 bits comes from two byte tables, joined by an unpacking within halves of a vector: so of eight rows the first has rows 0, 1, 4 and 5, two lanes each, the second 2, 3, 6 and 7.</remarks>
internal readonly unsafe struct WordCodes256(Vector256<short> first, Vector256<short> second) : IProductCodes<WordCodes256>
{
    private readonly Vector256<short> _first = first;
    private readonly Vector256<short> _second = second;

    public static int Bytes => BandLayout.BlockColumns * sizeof(short);

    public static int QuadBytes => 4 * sizeof(short);

    // No variables for tables: the compiler would copy the registers that hold them for every use.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes256 FromNibbles(Vector256<byte> codes) => Join(Avx2.Shuffle(ProductTables.WordLow, codes), Avx2.Shuffle(ProductTables.WordHigh, codes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes256 FromBytes(Vector256<byte> codes) => Join(codes, Signs(codes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(byte* x, int quad, ref Vector256<int> first, ref Vector256<int> second)
    {
        var operand = Vector256.Create(*(long*)(x + (quad * QuadBytes))).AsInt16();
        first = Lanes256.MultiplyAdd(_first, operand, first);
        second = Lanes256.MultiplyAdd(_second, operand, second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Sum(Vector256<int> first, Vector256<int> second, byte* x) => LaneSum.Two(first, second);

    /// <summary>In each half of a vector four rows' first two columns, then their last two: joined, two columns of a row are a lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Arrange(Vector256<byte> rows) => Avx2.Shuffle(rows, Vector256.Create(
        (byte)0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15, 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNibbles(Vector256<byte> codes, int quad, byte* destination) => FromNibbles(codes).Store(quad, destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(Vector256<byte> codes, int quad, byte* destination) => FromBytes(codes).Store(quad, destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Operand(byte* x, nint group) => Vector256.Create(((int*)x)[group]).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> SecondOperand(byte* x, nint group) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Begin(byte* x, byte* weights, Vector256<byte> operand, Vector256<byte> second) => Avx2.MultiplyAddAdjacent(operand.AsInt16(), Vector256.Load((short*)weights));

    // As Lanes256 does, but for the load, which the compiler makes a part of the product where it is written there.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> sums, byte* weights, Vector256<byte> operand, Vector256<byte> second) =>
        AvxVnni.IsSupported ? AvxVnni.MultiplyWideningAndAdd(sums, operand.AsInt16(), Vector256.Load((short*)weights)) : sums + Avx2.MultiplyAddAdjacent(operand.AsInt16(), Vector256.Load((short*)weights));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Store(int quad, byte* destination)
    {
        _first.Store((short*)(destination + (2 * quad * IBandLoops.GroupBytes)));
        _second.Store((short*)(destination + (((2 * quad) + 1) * IBandLoops.GroupBytes)));
    }

    /// <summary>What makes 8-bit numbers 16-bit ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Signs(Vector256<byte> codes) => Avx2.CompareGreaterThan(Vector256<sbyte>.Zero, codes.AsSByte()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static WordCodes256 Join(Vector256<byte> low, Vector256<byte> high) => new(Avx2.UnpackLow(low, high).AsInt16(), Avx2.UnpackHigh(low, high).AsInt16());
}
