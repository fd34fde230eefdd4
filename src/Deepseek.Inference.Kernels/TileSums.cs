namespace Deepseek.Inference.Kernels;

/// <summary>Where machine code for the products of tiles keeps partial sums: [tokens × 8 × 16].</summary>
internal static class TileSums
{
    public const int Lanes = ProductShape.Lanes;

    /// <summary>Bytes of one partial sum of all rows.</summary>
    public const int LaneBytes = TileSource.Rows * sizeof(float);

    /// <summary>Bytes of a token's.</summary>
    public const int TokenBytes = Lanes * LaneBytes;

    /// <summary>By how many bits a shift divides by a power of two.</summary>
    public static byte BitsOf(int factor) => (byte)int.Log2(factor);
}
