using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>Where the blocks of a row lie in the lines of a band.</summary>
internal unsafe interface IWeightForm
{
    /// <summary>Blocks of 64 columns in a line.</summary>
    static abstract int BlocksPerLine { get; }

    /// <summary>The weights of the first or the second block of a line, whose bytes are in two vectors.</summary>
    static abstract TCodes Read<TCodes>(Vector256<byte> low, Vector256<byte> high, bool second)
        where TCodes : struct, IProductCodes<TCodes>;

    /// <summary>Writes the weights that eight rows have in four bytes of a line each.</summary>
    /// <param name="rows">The bytes, a row a lane.</param>
    /// <param name="quad">Where in half of the line, divided by 4: 0 to 7.</param>
    /// <param name="destination">Half of the line's first block.</param>
    /// <param name="stride">Bytes from there to its second.</param>
    static abstract void Store<TCodes>(Vector256<byte> rows, int quad, byte* destination, int stride)
        where TCodes : struct, IProductCodes<TCodes>;

    /// <summary>The weights of the first or the second block of a line.</summary>
    static abstract WordCodes512 Read512(byte* line, bool second);
}

/// <summary>4 bits: two blocks a line, in the low and in the high nibbles.</summary>
internal readonly unsafe struct NibbleForm : IWeightForm
{
    private const byte Nibble = 0xF;

    public static int BlocksPerLine => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TCodes Read<TCodes>(Vector256<byte> low, Vector256<byte> high, bool second)
        where TCodes : struct, IProductCodes<TCodes> =>
        second
            ? TCodes.FromNibbles(High(low), High(high))
            : TCodes.FromNibbles(Low(low), Low(high));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TCodes>(Vector256<byte> rows, int quad, byte* destination, int stride)
        where TCodes : struct, IProductCodes<TCodes>
    {
        TCodes.StoreNibbles(Low(rows), quad, destination);
        TCodes.StoreNibbles(High(rows), quad, destination + stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes512 Read512(byte* line, bool second) => second ? WordCodes512.FromHighNibbles(line) : WordCodes512.FromLowNibbles(line);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Low(Vector256<byte> pairs) => pairs & Vector256.Create(Nibble);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> High(Vector256<byte> pairs) => Vector256.ShiftRightLogical(pairs.AsUInt16(), 4).AsByte() & Vector256.Create(Nibble);
}

/// <summary>8 bits: one block a line.</summary>
internal readonly unsafe struct ByteForm : IWeightForm
{
    public static int BlocksPerLine => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TCodes Read<TCodes>(Vector256<byte> low, Vector256<byte> high, bool second)
        where TCodes : struct, IProductCodes<TCodes> =>
        TCodes.FromBytes(low, high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TCodes>(Vector256<byte> rows, int quad, byte* destination, int stride)
        where TCodes : struct, IProductCodes<TCodes> =>
        TCodes.StoreBytes(rows, quad, destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes512 Read512(byte* line, bool second) => WordCodes512.FromBytes(line);
}
