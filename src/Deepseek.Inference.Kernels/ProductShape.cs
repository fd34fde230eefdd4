namespace Deepseek.Inference.Kernels;

/// <summary>The sizes and the tables of whole numbers that make up the products' definition.</summary>
internal static class ProductShape
{
    /// <summary>Partial sums of an output. Lane l has columns 4l to 4l + 3 of every block.</summary>
    public const int Lanes = 16;

    /// <summary>Columns of a lane in a block.</summary>
    public const int LaneColumns = BandLayout.BlockColumns / Lanes;

    /// <summary>Blocks that are multiplied between two looks at the scales: a vector of AVX-512, and 8 KB of a tile's weights as 16-bit numbers.</summary>
    public const int ChunkBlocks = 16;

    private const int LargestWord = 32_767;
    private const int LargestByte = 127;

    // Of all real factors below the largest for which four products of a lane stay below 2³¹ (16,384) or that fits a byte (127), those that leave the least
    // root-mean-square error of the levels, relative to theirs: 1.3e-5 and 3.3e-3. Plain 16,384 and 127 leave 3.1e-5 and 4.2e-3.
    private const float WordFactor = 15_683.964f;
    private const float ByteFactor = 112.0302f;

    private static readonly short[] WordTable = CreateTable(WordFactor);
    private static readonly short[] ByteTable = CreateTable(ByteFactor);

    /// <summary>The largest whole number that stands for an activation.</summary>
    public static int LargestOf(ActivationPrecision precision) => precision == ActivationPrecision.Int16 ? LargestWord : LargestByte;

    /// <summary>The levels of NF4 as whole numbers: level · factor, to the nearest.</summary>
    public static ReadOnlySpan<short> LevelsOf(ActivationPrecision precision) => precision == ActivationPrecision.Int16 ? WordTable : ByteTable;

    /// <summary>What a sum of products is multiplied with at the end, to take the factor of the levels out.</summary>
    public static float FactorOf(WeightPrecision weights, ActivationPrecision activations) => (weights, activations) switch
    {
        (WeightPrecision.Int8 or WeightPrecision.Int8Block, _) or (_, ActivationPrecision.Fp32) => 1,
        (_, ActivationPrecision.Int16) => 1 / WordFactor,
        _ => 1 / ByteFactor,
    };

    /// <summary>Blocks of so many columns, up to whole chunks.</summary>
    public static int PaddedBlocks(int columns) => (int)Lengths.CeilDiv(columns, BandLayout.BlockColumns * ChunkBlocks) * ChunkBlocks;

    private static short[] CreateTable(float factor)
    {
        var table = new short[Nf4.Levels.Length];
        for (var code = 0; code < table.Length; code++)
            table[code] = (short)MathF.Round(Nf4.Levels[code] * factor);
        return table;
    }
}
