using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>How vectors of 256 bits multiply a block of 64 weights with a token's 64 activations. Every implementation gives the same bits.</summary>
/// <typeparam name="TSelf">The weights of a block as whole numbers, in vectors.</typeparam>
internal unsafe interface IProductCodes<TSelf>
    where TSelf : struct, IProductCodes<TSelf>
{
    /// <summary>Bytes that <see cref="Store"/> writes.</summary>
    static abstract int Bytes { get; }

    /// <summary>The levels of the low nibbles of a line of 64 bytes.</summary>
    static abstract TSelf FromLowNibbles(byte* line);

    /// <summary>The levels of the high nibbles of a line of 64 bytes.</summary>
    static abstract TSelf FromHighNibbles(byte* line);

    /// <summary>The codes of a line of 64 bytes.</summary>
    static abstract TSelf FromBytes(byte* line);

    /// <summary>Reads what <see cref="Store"/> wrote.</summary>
    static abstract TSelf Load(byte* source);

    /// <summary>Keeps them for other tokens, at a multiple of 64.</summary>
    void Store(byte* destination);

    /// <summary>The sums of eight products of every lane.</summary>
    /// <param name="x">The block's activations, <see cref="PreparedActivations.BlockBytes"/> in the order of this type.</param>
    Vector256<int> Multiply(byte* x);
}
