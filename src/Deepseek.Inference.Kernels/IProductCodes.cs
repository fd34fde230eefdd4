using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>How vectors of 256 bits multiply a block of 64 weights with a token's 64 activations. Sums of a block are exact, so all implementations give the same.</summary>
/// <typeparam name="TSelf">The weights of a block as whole numbers, in vectors.</typeparam>
/// <remarks>
/// Few tokens meet a row's block as it lies: a vector of partial sums of one output. Many meet eight rows' blocks, interleaved: in each 32-bit lane a row's next neighbouring weights, which
/// meet the same activations in every lane.
/// </remarks>
internal unsafe interface IProductCodes<TSelf>
    where TSelf : struct, IProductCodes<TSelf>
{
    /// <summary>Bytes of a decoded block of a row: 32-bit groups of neighbouring weights.</summary>
    static abstract int Bytes { get; }

    /// <summary>The levels of a block's codes, columns 0 to 31 and 32 to 63, a code a byte.</summary>
    static abstract TSelf FromNibbles(Vector256<byte> first, Vector256<byte> second);

    /// <summary>A block of 8-bit weights, columns 0 to 31 and 32 to 63.</summary>
    static abstract TSelf FromBytes(Vector256<byte> first, Vector256<byte> second);

    /// <summary>The first step of turning rows into columns, as the two methods below expect them: mixes two rows within halves of a vector.</summary>
    static abstract (Vector256<byte> Low, Vector256<byte> High) MixRows(Vector256<byte> first, Vector256<byte> second);

    /// <summary>The second step: mixes two such pairs of rows.</summary>
    static abstract (Vector256<byte> Low, Vector256<byte> High) MixPairs(Vector256<byte> first, Vector256<byte> second);

    /// <summary>Writes the levels of eight rows' codes in four neighbouring columns: groups of what becomes <see cref="Bytes"/> of each row.</summary>
    /// <param name="codes">The codes, a code a byte, mixed.</param>
    /// <param name="quad">The columns within half of a block, divided by 4: 0 to 7.</param>
    /// <param name="destination">The first group of the half block, at a multiple of 32.</param>
    static abstract void StoreNibbles(Vector256<byte> codes, int quad, byte* destination);

    /// <summary>Writes eight rows' 8-bit weights in four neighbouring columns.</summary>
    /// <param name="codes">The weights, mixed.</param>
    /// <param name="quad">The columns within half of a block, divided by 4: 0 to 7.</param>
    /// <param name="destination">The first group of the half block, at a multiple of 32.</param>
    static abstract void StoreBytes(Vector256<byte> codes, int quad, byte* destination);

    /// <summary>Partial sums of the block's products, in any lanes.</summary>
    /// <param name="x">Where the activations are counted from.</param>
    /// <param name="offset">The block's first byte, <see cref="PreparedActivations.BlockBytes"/> in the order of this type. A constant then becomes part of an instruction; a sum would be one of its own.</param>
    Vector256<int> Multiply(byte* x, int offset);

    /// <summary>What the sums of interleaved rows begin with.</summary>
    static abstract Vector256<int> Begin(byte* x);

    /// <summary>Activations for a group of neighbours, in every lane.</summary>
    static abstract Vector256<byte> Operand(byte* x, nint group);

    /// <summary>What else the product needs of them.</summary>
    static abstract Vector256<byte> SecondOperand(byte* x, nint group);

    /// <summary>Adds the products of eight rows' groups.</summary>
    static abstract Vector256<int> Add(Vector256<int> sums, byte* weights, Vector256<byte> operand, Vector256<byte> second);
}
