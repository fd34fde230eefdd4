namespace Deepseek.Inference.Kernels;

/// <summary>The sizes and the tables of whole numbers that make up the products' definition.</summary>
internal static class ProductShape
{
    /// <summary>Partial sums of an output: 8 of its even blocks, then 8 of its odd ones.</summary>
    public const int Lanes = 16;

    /// <summary>Partial sums of a block. Lane l has columns 4l to 4l + 3 and 32 + 4l to 32 + 4l + 3.</summary>
    public const int BlockLanes = 8;

    /// <summary>Neighbouring columns of a lane.</summary>
    public const int Neighbours = 4;

    /// <summary>Blocks that are decoded at once for many tokens: 2 KB of a row's weights as 16-bit numbers.</summary>
    public const int ChunkBlocks = 16;

    private const int LargestWord = 32_767;
    private const int LargestByte = 127;

    // Of all real factors below the largest for which eight products of a lane stay below 2³¹ (8,192) or that fits a byte (127), those that leave the least
    // root-mean-square error of the levels, relative to theirs: 3.6e-5 and 3.3e-3. Plain 8,192 and 127 leave 5.5e-5 and 4.2e-3.
    private const float WordFactor = 7_854.0235f;
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
        (WeightPrecision.Int8 or WeightPrecision.Int8Block, _) => 1,
        (_, ActivationPrecision.Int16) => 1 / WordFactor,
        _ => 1 / ByteFactor,
    };

    /// <summary>The lane of a column of a block.</summary>
    public static int LaneOf(int column) => column / Neighbours % BlockLanes;

    private static short[] CreateTable(float factor)
    {
        var table = new short[Nf4.Levels.Length];
        for (var code = 0; code < table.Length; code++)
            table[code] = (short)MathF.Round(Nf4.Levels[code] * factor);
        return table;
    }
}
