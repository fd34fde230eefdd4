using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>What activations are for <see cref="VnniCode"/>, and the vectors that it needs: how they are made decides what weights become.</summary>
internal unsafe interface IVnniNumbers
{
    /// <summary>Bytes, or words.</summary>
    static abstract bool AreBytes { get; }

    /// <summary>For weights of 4 bits: levels, then the bits of a code.</summary>
    static abstract byte* Levels { get; }

    /// <summary>For weights of 8 bits: nothing, then what makes them unsigned.</summary>
    static abstract byte* BytesOfWeights { get; }

    /// <summary>Two vectors in memory that stays.</summary>
    protected static byte* Keep(Vector512<byte> first, byte second)
    {
        Span<byte> vectors = stackalloc byte[2 * BandLayout.LineBytes];
        first.CopyTo(vectors);
        vectors[BandLayout.LineBytes..].Fill(second);
        return KeptMemory.Of<byte>(vectors);
    }
}

/// <summary>16 bits, in the order of <see cref="ActivationOrder.EvenOdd"/>.</summary>
internal readonly unsafe struct VnniWords : IVnniNumbers
{
    private static readonly byte* Table = IVnniNumbers.Keep(ProductTables.Words.AsByte(), 0);

    public static bool AreBytes => false;

    public static byte* Levels => Table;

    public static byte* BytesOfWeights => Table;
}

/// <summary>8 bits, in the order of <see cref="ActivationOrder.DotBytes"/>: weights are unsigned, and higher by <see cref="VnniCodes256.Offset"/>.</summary>
internal readonly unsafe struct VnniBytes : IVnniNumbers
{
    private static readonly byte* Nibbles = IVnniNumbers.Keep(Vector512.Create(ProductTables.OffsetBytes, ProductTables.OffsetBytes), 0xF);
    private static readonly byte* Offset = IVnniNumbers.Keep(default, VnniCodes256.Offset);

    public static bool AreBytes => true;

    public static byte* Levels => Nibbles;

    public static byte* BytesOfWeights => Offset;
}
