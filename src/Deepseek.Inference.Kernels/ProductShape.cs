namespace Deepseek.Inference.Kernels;

/// <summary>The sizes and the tables of whole numbers that make up the products' definition.</summary>
internal static class ProductShape
{
    /// <summary>Partial sums of an output. Lane l has the blocks l, l + 8, l + 16, …</summary>
    public const int Lanes = 8;

    /// <summary>The most that the magnitudes of a block's activations may sum to in 16 bits: 7,854 · 273,400 &lt; 2³¹, so that a block's products fit 32 bits, in whatever order.</summary>
    public const int LargestSum = 273_400;

    private const int LargestWord = 32_767;
    private const int LargestByte = 127;

    // Of all real factors whose largest level is at most 8,192, or fits a byte (127), those that leave the least root-mean-square error of the levels, relative to theirs:
    // 3.6e-5 and 3.3e-3. Plain 8,192 and 127 leave 5.5e-5 and 4.2e-3.
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

    private static short[] CreateTable(float factor)
    {
        var table = new short[Nf4.Levels.Length];
        for (var code = 0; code < table.Length; code++)
            table[code] = (short)MathF.Round(Nf4.Levels[code] * factor);
        return table;
    }
}
