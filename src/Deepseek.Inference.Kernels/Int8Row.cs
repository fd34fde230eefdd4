namespace Deepseek.Inference.Kernels;

/// <summary>A row of 8-bit weights with one scale.</summary>
/// <param name="line">Its first line.</param>
/// <param name="scale">Its scale.</param>
internal readonly unsafe struct Int8Row(sbyte* line, float scale)
{
    /// <summary>Bytes from a line to the row's next one.</summary>
    public const int LineStride = BandLayout.PlainRows * BandLayout.LineBytes;

    public readonly sbyte* Line = line;
    public readonly float Scale = scale;

    /// <summary>Finds rows of a band.</summary>
    /// <param name="layout">The matrix' layout, in <see cref="WeightPrecision.Int8"/>.</param>
    /// <param name="band">The band, from 0.</param>
    /// <param name="source">The band's bytes.</param>
    /// <param name="first">The first row within the band.</param>
    /// <param name="count">How many.</param>
    /// <param name="rows">Receives [count].</param>
    public static void Find(BandLayout layout, int band, byte* source, int first, int count, Int8Row* rows)
    {
        // Without the layout's divisions by what it only knows at run time: finding rows took up to half of a token's product.
        var tiles = (sbyte*)source + layout.HeaderBytesOf(band);
        var tileBytes = layout.TileBytes;
        for (var row = first; row < first + count; row++)
            *rows++ = new Int8Row(tiles + ((uint)row / BandLayout.PlainRows * (long)tileBytes) + ((uint)row % BandLayout.PlainRows * BandLayout.LineBytes), ((float*)source)[row]);
    }

    /// <summary>A weight's whole number.</summary>
    public int this[int column] => Line[((long)column / BandLayout.LineBytes * LineStride) + (column % BandLayout.LineBytes)];
}
