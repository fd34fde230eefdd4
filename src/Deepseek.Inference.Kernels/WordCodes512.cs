using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>64 weights as 16-bit numbers for AVX-512, in the order of <see cref="ActivationOrder.EvenOdd"/>.</summary>
/// <remarks>
/// A permutation of 32 words reads the low five bits of its indices: with the 16 levels twice in the table, a nibble needs to be shifted into place and nothing else. What AVX-512 alone has
/// goes through <see cref="Avx512Words"/>, so that the kernel also runs, slowly, where there is none.
/// </remarks>
internal readonly unsafe struct WordCodes512(Vector512<short> even, Vector512<short> odd)
{
    private readonly Vector512<short> _even = even; // columns 0, 2, 4, …
    private readonly Vector512<short> _odd = odd; // columns 1, 3, 5, …

    /// <summary>Bytes that <see cref="Store"/> writes.</summary>
    public const int Bytes = 2 * BandLayout.LineBytes;

    /// <summary>The levels of the low nibbles of a line of 64 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes512 FromLowNibbles(byte* line)
    {
        var codes = Vector512.Load((ushort*)line);
        return new(Avx512Words.Permute(ProductTables.Words, codes), Avx512Words.Permute(ProductTables.Words, Vector512.ShiftRightLogical(codes, 8)));
    }

    /// <summary>The levels of the high nibbles of a line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes512 FromHighNibbles(byte* line)
    {
        var codes = Vector512.Load((ushort*)line);
        return new(
            Avx512Words.Permute(ProductTables.Words, Vector512.ShiftRightLogical(codes, 4)),
            Avx512Words.Permute(ProductTables.Words, Vector512.ShiftRightLogical(codes, 12)));
    }

    /// <summary>The codes of a line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes512 FromBytes(byte* line)
    {
        var codes = Vector512.Load((short*)line);
        return new(Vector512.ShiftRightArithmetic(Vector512.ShiftLeft(codes, 8), 8), Vector512.ShiftRightArithmetic(codes, 8));
    }

    /// <summary>Keeps them for other tokens, at a multiple of 64.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(byte* destination)
    {
        _even.Store((short*)destination);
        _odd.Store((short*)destination + 32);
    }

    /// <summary>Partial sums of the block's products, in any lanes.</summary>
    /// <param name="x">The block's activations.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<int> Multiply(byte* x)
    {
        var words = (short*)x;
        return Avx512Words.MultiplyAddAdjacent(_even, Vector512.Load(words)) + Avx512Words.MultiplyAddAdjacent(_odd, Vector512.Load(words + 32));
    }
}
