namespace Deepseek.Inference.Kernels;

/// <summary>16 rows of a band, as kernels take them.</summary>
/// <param name="first">The first row's first line.</param>
/// <param name="tileBytes">From there to the next tile of the layout.</param>
/// <param name="rows">Rows that the band has of them, 1 or more.</param>
/// <param name="scratch">Room for a line of each row, or for all lines where they are interleaved together, at a multiple of 64.</param>
internal readonly unsafe struct TileSource(byte* first, int tileBytes, int rows, byte* scratch)
{
    /// <summary>Rows of a tile: a 32-bit lane each of a vector of 512 bits.</summary>
    public const int Rows = BandLayout.InterleavedRows;

    /// <summary>Bytes of a line of all rows.</summary>
    public const int LineBytes = Rows * BandLayout.LineBytes;

    private const int Plain = BandLayout.PlainRows;
    private const int PlainBytes = Plain * BandLayout.LineBytes;

    /// <summary>A line of all rows, interleaved as it is stored: piece by piece, in a piece row by row.</summary>
    public byte* Interleaved(int line) => first + ((long)line * LineBytes);

    /// <summary>A line of all rows that is stored row by row: it is interleaved here. Rows that the band does not have are the last ones once more; nobody reads their sums.</summary>
    public byte* Interleave(int line)
    {
        Interleave(line, scratch);
        return scratch;
    }

    /// <summary>All lines, one after the other: the scratch memory has room for them.</summary>
    /// <param name="lines">Lines of a row.</param>
    public void InterleaveAll(int lines)
    {
        for (var line = 0; line < lines; line++)
            Interleave(line, scratch + ((long)line * LineBytes));
    }

    private void Interleave(int line, byte* destination)
    {
        for (var half = 0; half < Rows; half += 2 * Plain)
        {
            byte* low = PlainTile(half, line), high = PlainTile(half + Plain, line);
            var to = destination + (half * BandLayout.PieceBytes);
            for (var at = 0; at < BandLayout.LineBytes; at += 32, to += 8 * BandLayout.LineBytes)
                Transposition.Eight(low + at, high + at, BandLayout.LineBytes, to, BandLayout.LineBytes);
        }
    }

    private byte* PlainTile(int row, int line)
    {
        var tile = first + ((long)Math.Min(row / Plain, (rows - 1) / Plain) * tileBytes) + ((long)line * PlainBytes);
        BandProduct.Prefetch(tile, BandProducts.Ahead, BandProducts.Ahead + PlainBytes);
        return tile;
    }
}
