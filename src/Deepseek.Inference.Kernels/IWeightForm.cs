using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>What the bytes of a line are.</summary>
internal unsafe interface IWeightForm
{
    /// <summary>Blocks of 64 columns in a line.</summary>
    static abstract int BlocksPerLine { get; }

    /// <summary>A line of a tile's 16 rows, piece by piece, in a piece row by row.</summary>
    static abstract byte* Line(in TileSource tile, int line);

    /// <summary>The weights that eight rows have in a piece of the first or the second block of a line.</summary>
    static abstract TCodes Read<TCodes>(Vector256<byte> rows, bool second)
        where TCodes : struct, IProductCodes<TCodes>;

    /// <summary>Writes the weights that eight rows have in a piece, for many tokens.</summary>
    /// <param name="rows">The piece.</param>
    /// <param name="piece">Which of the line's.</param>
    /// <param name="destination">The rows' place in the first group of the line's first block.</param>
    /// <param name="stride">Bytes from there to its second block.</param>
    static abstract void Store<TCodes>(Vector256<byte> rows, int piece, byte* destination, int stride)
        where TCodes : struct, IProductCodes<TCodes>;

    /// <summary>The weights that 16 rows have in a piece of the first or the second block of a line.</summary>
    static abstract WordCodes512 Read(Vector512<ushort> rows, bool second);
}

/// <summary>4 bits: two blocks a line, in the low and in the high nibbles.</summary>
internal readonly unsafe struct NibbleForm : IWeightForm
{
    private const byte Nibble = 0xF;

    public static int BlocksPerLine => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Line(in TileSource tile, int line) => tile.Interleaved(line);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TCodes Read<TCodes>(Vector256<byte> rows, bool second)
        where TCodes : struct, IProductCodes<TCodes> =>
        TCodes.FromNibbles(second ? High(rows) : Low(rows));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TCodes>(Vector256<byte> rows, int piece, byte* destination, int stride)
        where TCodes : struct, IProductCodes<TCodes>
    {
        rows = TCodes.Arrange(rows);
        TCodes.StoreNibbles(Low(rows), piece, destination);
        TCodes.StoreNibbles(High(rows), piece, destination + stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes512 Read(Vector512<ushort> rows, bool second) => second ? WordCodes512.FromHighNibbles(rows) : WordCodes512.FromLowNibbles(rows);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Low(Vector256<byte> pairs) => pairs & Vector256.Create(Nibble);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> High(Vector256<byte> pairs) => Vector256.ShiftRightLogical(pairs.AsUInt16(), 4).AsByte() & Vector256.Create(Nibble);
}

/// <summary>8 bits: one block a line.</summary>
internal readonly unsafe struct ByteForm : IWeightForm
{
    public static int BlocksPerLine => 1;

    public static byte* Line(in TileSource tile, int line) => tile.Interleave(line);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TCodes Read<TCodes>(Vector256<byte> rows, bool second)
        where TCodes : struct, IProductCodes<TCodes> =>
        TCodes.FromBytes(rows);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TCodes>(Vector256<byte> rows, int piece, byte* destination, int stride)
        where TCodes : struct, IProductCodes<TCodes> =>
        TCodes.StoreBytes(TCodes.Arrange(rows), piece, destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes512 Read(Vector512<ushort> rows, bool second) => WordCodes512.FromBytes(rows);
}
