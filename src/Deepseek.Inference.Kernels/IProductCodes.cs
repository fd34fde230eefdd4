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
    /// <summary>Bytes that <see cref="Store"/> writes: 32-bit groups of neighbouring weights.</summary>
    static abstract int Bytes { get; }

    /// <summary>The levels of the low nibbles of a line of 64 bytes.</summary>
    static abstract TSelf FromLowNibbles(byte* line);

    /// <summary>The levels of the high nibbles of a line of 64 bytes.</summary>
    static abstract TSelf FromHighNibbles(byte* line);

    /// <summary>The codes of a line of 64 bytes.</summary>
    static abstract TSelf FromBytes(byte* line);

    /// <summary>Writes them, at a multiple of 32.</summary>
    void Store(byte* destination);

    /// <summary>Partial sums of the block's products, in any lanes.</summary>
    /// <param name="x">The block's activations, <see cref="PreparedActivations.BlockBytes"/> in the order of this type.</param>
    Vector256<int> Multiply(byte* x);

    /// <summary>What the sums of interleaved rows begin with.</summary>
    static abstract Vector256<int> Begin(byte* x);

    /// <summary>Activations for a group of neighbours, in every lane.</summary>
    static abstract Vector256<byte> Operand(byte* x, int group);

    /// <summary>What else the product needs of them.</summary>
    static abstract Vector256<byte> SecondOperand(byte* x, int group);

    /// <summary>Adds the products of eight rows' groups.</summary>
    static abstract Vector256<int> Add(Vector256<int> sums, Vector256<byte> weights, Vector256<byte> operand, Vector256<byte> second);
}
