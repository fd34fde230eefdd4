using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>The weights that 16 rows have in four neighbouring columns as 16-bit numbers for AVX-512, in the order of <see cref="ActivationOrder.EvenOdd"/>.</summary>
/// <remarks>
/// A permutation of 32 words reads the low five bits of its indices: with the 16 levels twice in the table, a nibble needs to be shifted into place and nothing else. What AVX-512 alone has
/// goes through <see cref="Avx512Words"/>, so that the kernel also runs, slowly, where there is none.
/// </remarks>
internal readonly unsafe struct WordCodes512(Vector512<short> even, Vector512<short> odd)
{
    private readonly Vector512<short> _even = even; // columns 0 and 2
    private readonly Vector512<short> _odd = odd; // columns 1 and 3

    /// <summary>Bytes of a decoded block of a row.</summary>
    public const int Bytes = BandLayout.BlockColumns * sizeof(short);

    /// <summary>From the activations of even columns to those of odd ones, in pairs.</summary>
    private const int Odd = BandLayout.BlockColumns / 4;

    /// <summary>The levels of the low nibbles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes512 FromLowNibbles(Vector512<ushort> codes) =>
        new(Avx512Words.Permute(ProductTables.Words, codes), Avx512Words.Permute(ProductTables.Words, Vector512.ShiftRightLogical(codes, 8)));

    /// <summary>The levels of the high nibbles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes512 FromHighNibbles(Vector512<ushort> codes) => new(
        Avx512Words.Permute(ProductTables.Words, Vector512.ShiftRightLogical(codes, 4)),
        Avx512Words.Permute(ProductTables.Words, Vector512.ShiftRightLogical(codes, 12)));

    /// <summary>8-bit weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordCodes512 FromBytes(Vector512<ushort> codes) =>
        new(Vector512.ShiftRightArithmetic(Vector512.ShiftLeft(codes, 8).AsInt16(), 8), Vector512.ShiftRightArithmetic(codes.AsInt16(), 8));

    /// <summary>Keeps them for other tokens, at multiples of 64.</summary>
    /// <param name="even">Receives the even columns.</param>
    /// <param name="odd">Receives the odd ones.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(byte* even, byte* odd)
    {
        _even.Store((short*)even);
        _odd.Store((short*)odd);
    }

    /// <summary>The products with a token's activations, a row a lane.</summary>
    /// <param name="x">The activations of the even columns.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (Vector512<int> Even, Vector512<int> Odd) Times(int* x) =>
        (Avx512Words.MultiplyAddAdjacent(_even, Vector512.Create(*x).AsInt16()), Avx512Words.MultiplyAddAdjacent(_odd, Vector512.Create(x[Odd]).AsInt16()));

    /// <summary>Adds the products with a token's activations.</summary>
    /// <remarks>Two products, then two additions: where a vector of 512 bits takes two turns, as on Zen 4, product and addition by turns get in each other's way and take a fifth longer.</remarks>
    /// <param name="x">The activations of the even columns.</param>
    /// <param name="even">Sums that those of the even columns join, a row a lane.</param>
    /// <param name="odd">Others for the odd ones.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(int* x, ref Vector512<int> even, ref Vector512<int> odd)
    {
        var (first, second) = Times(x);
        even += first;
        odd += second;
    }
}
