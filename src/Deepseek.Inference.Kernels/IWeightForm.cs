using System.Runtime.CompilerServices;

namespace Deepseek.Inference.Kernels;

/// <summary>Where the blocks of a row lie in the lines of a band.</summary>
internal unsafe interface IWeightForm
{
    /// <summary>Blocks of 64 columns in a line.</summary>
    static abstract int BlocksPerLine { get; }

    /// <summary>The weights of the first or the second block of a line.</summary>
    static abstract TCodes Read<TCodes>(byte* line, bool second)
        where TCodes : struct, IProductCodes<TCodes>;

    /// <inheritdoc cref="Read{TCodes}" />
    static abstract WordCodes512 Read512(byte* line, bool second);
}

/// <summary>4 bits: two blocks a line, in the low and in the high nibbles.</summary>
internal readonly unsafe struct NibbleForm : IWeightForm
{
    public static int BlocksPerLine => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TCodes Read<TCodes>(byte* line, bool second)
        where TCodes : struct, IProductCodes<TCodes> =>
        second ? TCodes.FromHighNibbles(line) : TCodes.FromLowNibbles(line);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes512 Read512(byte* line, bool second) => second ? WordCodes512.FromHighNibbles(line) : WordCodes512.FromLowNibbles(line);
}

/// <summary>8 bits: one block a line.</summary>
internal readonly unsafe struct ByteForm : IWeightForm
{
    public static int BlocksPerLine => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TCodes Read<TCodes>(byte* line, bool second)
        where TCodes : struct, IProductCodes<TCodes> =>
        TCodes.FromBytes(line);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes512 Read512(byte* line, bool second) => WordCodes512.FromBytes(line);
}
