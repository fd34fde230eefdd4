namespace Deepseek.Inference.Kernels.Tests;

/// <summary>Weights and sizes for tests of bands.</summary>
internal static class BandData
{
    // Around the tile (4) and the band (64); around the vectors (16), the block (64) and the line (16 to 128 columns).
    private static readonly int[] Rows = [1, 3, 5, 63, 64, 65, 130];
    private static readonly int[] Columns = [1, 16, 63, 64, 65, 100, 127, 128, 129, 192, 352];

    /// <summary>Ragged matrices in a precision.</summary>
    public static IEnumerable<BandLayout> Layouts(WeightPrecision precision) =>
        from rows in Rows
        from columns in Columns
        select new BandLayout(precision, rows, columns);

    /// <summary>Normal weights of standard deviation 1.</summary>
    public static float[] Normal(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (float)Normal(random))];

    /// <summary>Weights with heavy tails: Student's t with 5 degrees of freedom.</summary>
    public static float[] StudentT5(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)(Normal(random) / Math.Sqrt(Enumerable.Range(0, 5).Sum(_ => Math.Pow(Normal(random), 2)) / 5)))];

    /// <summary>Importances from 0 to 10.</summary>
    public static float[] Importance(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => 10 * random.NextSingle())];

    /// <summary>A band's rows of a matrix.</summary>
    public static Span<T> BandOf<T>(BandLayout layout, int band, T[] matrix, int perRow) => matrix.AsSpan(band * BandLayout.BandRows * perRow, layout.RowsOf(band) * perRow);

    /// <summary>Encodes all bands of a matrix, one after the other.</summary>
    public static byte[] Encode(KernelPath path, BandLayout layout, float[] weights, float[] importance, byte before = 0xAA)
    {
        var bytes = new byte[layout.ByteLength];
        Array.Fill(bytes, before);
        for (var band = 0; band < layout.BandCount; band++)
            Bands.Encode(path, layout, band, BandOf(layout, band, weights, layout.Columns), importance, BytesOf(layout, band, bytes));
        return bytes;
    }

    /// <summary>Decodes all bands of a matrix.</summary>
    public static float[] Decode(KernelPath path, BandLayout layout, byte[] bytes)
    {
        var weights = new float[layout.Rows * layout.Columns];
        for (var band = 0; band < layout.BandCount; band++)
            Bands.Decode(path, layout, band, BytesOf(layout, band, bytes), 0, layout.RowsOf(band), BandOf(layout, band, weights, layout.Columns));
        return weights;
    }

    /// <summary>The bytes of a band.</summary>
    public static Span<byte> BytesOf(BandLayout layout, int band, byte[] bytes) => bytes.AsSpan((int)layout.OffsetOf(band), layout.BytesOf(band));

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
