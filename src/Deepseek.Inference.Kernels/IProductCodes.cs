using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>How vectors of 256 bits multiply the weights that eight rows have in four neighbouring columns with a token's activations. Sums of a block are exact, so all implementations give the same.</summary>
/// <typeparam name="TSelf">Such weights as whole numbers, in vectors.</typeparam>
/// <remarks>Few tokens meet weights as they come from memory. For many they are kept: in each 32-bit lane a row's next neighbouring weights, which meet the same activations in every lane.</remarks>
internal unsafe interface IProductCodes<TSelf>
    where TSelf : struct, IProductCodes<TSelf>
{
    /// <summary>Bytes of a decoded block of a row: 32-bit groups of neighbouring weights.</summary>
    static abstract int Bytes { get; }

    /// <summary>Bytes of a token's activations for four columns.</summary>
    static abstract int QuadBytes { get; }

    /// <summary>The levels of codes, a code a byte.</summary>
    static abstract TSelf FromNibbles(Vector256<byte> codes);

    /// <summary>8-bit weights.</summary>
    static abstract TSelf FromBytes(Vector256<byte> codes);

    /// <summary>Adds the products with a token's activations.</summary>
    /// <param name="x">The activations of four columns; others follow.</param>
    /// <param name="quad">Which of those. A constant then becomes part of an instruction; a sum would be one of its own.</param>
    /// <param name="first">Partial sums, which begin with 0.</param>
    /// <param name="second">Others.</param>
    void Add(byte* x, int quad, ref Vector256<int> first, ref Vector256<int> second);

    /// <summary>The sums of a block's products, a row a lane.</summary>
    /// <param name="first">The first partial sums.</param>
    /// <param name="second">The others.</param>
    /// <param name="x">The block's activations.</param>
    static abstract Vector256<int> Sum(Vector256<int> first, Vector256<int> second, byte* x);

    /// <summary>Eight rows' four bytes as the two methods below expect them.</summary>
    static abstract Vector256<byte> Arrange(Vector256<byte> rows);

    /// <summary>Writes the levels of eight rows' codes in four neighbouring columns: groups of what becomes <see cref="Bytes"/> of each row.</summary>
    /// <param name="codes">The codes, a code a byte, arranged.</param>
    /// <param name="quad">The columns within the block, divided by 4: 0 to 15.</param>
    /// <param name="destination">The rows' place in the block's first group, at a multiple of 32.</param>
    static abstract void StoreNibbles(Vector256<byte> codes, int quad, byte* destination);

    /// <summary>Writes eight rows' 8-bit weights in four neighbouring columns.</summary>
    /// <param name="codes">The weights, arranged.</param>
    /// <param name="quad">The columns within the block, divided by 4: 0 to 15.</param>
    /// <param name="destination">The rows' place in the block's first group, at a multiple of 32.</param>
    static abstract void StoreBytes(Vector256<byte> codes, int quad, byte* destination);

    /// <summary>Activations for a group of neighbours, in every lane.</summary>
    static abstract Vector256<byte> Operand(byte* x, nint group);

    /// <summary>What else the product needs of them.</summary>
    static abstract Vector256<byte> SecondOperand(byte* x, nint group);

    /// <summary>What a block's sums begin with: the products of eight rows' first group, and what is added to them once.</summary>
    /// <param name="x">The block's activations.</param>
    /// <param name="weights">The rows' first group.</param>
    /// <param name="operand">The activations of the group.</param>
    /// <param name="second">What else the product needs of them.</param>
    static abstract Vector256<int> Begin(byte* x, byte* weights, Vector256<byte> operand, Vector256<byte> second);

    /// <summary>Adds the products of eight rows' groups.</summary>
    static abstract Vector256<int> Add(Vector256<int> sums, byte* weights, Vector256<byte> operand, Vector256<byte> second);
}
