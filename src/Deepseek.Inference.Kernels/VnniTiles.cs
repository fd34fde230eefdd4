using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>Products of tiles with activations of 16 bits, in the order of <see cref="ActivationOrder.EvenOdd"/>.</summary>
internal readonly unsafe struct VnniWords : ITileCode
{
    private static readonly byte* Table = VnniTables.Keep(ProductTables.Words.AsByte(), 0);

    public static int MostTokens => VnniCode.MostTokens;

    public static byte* Tables(TileWeights weights) => Table;

    public static delegate* unmanaged[SuppressGCTransition]<TileCall*, void> Function(TileWeights weights, int tokens) => VnniCode.Tile(weights, bytesOfX: false, tokens);
}

/// <summary>Products of tiles with activations of 8 bits, in the order of <see cref="ActivationOrder.DotBytes"/>: weights are unsigned, and higher by <see cref="VnniCodes256.Offset"/>.</summary>
internal readonly unsafe struct VnniBytes : ITileCode
{
    private static readonly byte* Nibbles = VnniTables.Keep(Vector512.Create(ProductTables.OffsetBytes, ProductTables.OffsetBytes), 0xF);
    private static readonly byte* Offset = VnniTables.Keep(default, VnniCodes256.Offset);

    public static int MostTokens => VnniCode.MostTokens;

    public static byte* Tables(TileWeights weights) => weights == TileWeights.Bytes ? Offset : Nibbles;

    public static delegate* unmanaged[SuppressGCTransition]<TileCall*, void> Function(TileWeights weights, int tokens) => VnniCode.Tile(weights, bytesOfX: true, tokens);
}

/// <summary>The vectors that <see cref="VnniTileCode"/> reads.</summary>
internal static unsafe class VnniTables
{
    /// <summary>Levels of weights of 4 bits, and what codes are masked with, or what makes weights of 8 bits unsigned.</summary>
    public static byte* Keep(Vector512<byte> first, byte second)
    {
        Span<byte> vectors = stackalloc byte[2 * BandLayout.LineBytes];
        first.CopyTo(vectors);
        vectors[BandLayout.LineBytes..].Fill(second);
        return KeptMemory.Of<byte>(vectors);
    }
}
