using System.Globalization;

namespace Deepseek.Inference.Kernels;

// What the codecs ask of their arguments.
public static partial class Bands
{
    private static void RequireBand(BandLayout layout, int band)
    {
        if (band < 0 || band >= layout.BandCount)
            throw new ArgumentOutOfRangeException(nameof(band), band, Invariant($"The matrix has {layout.Rows} rows, so {layout.BandCount} bands, counted from 0."));
    }

    private static void RequireRows(BandLayout layout, int band, ReadOnlySpan<byte> source, int firstRow, int rowCount)
    {
        RequireBand(layout, band);
        Lengths.Require(nameof(source), source.Length, layout.BytesOf(band));
        var rows = layout.RowsOf(band);
        if (firstRow < 0 || firstRow > rows)
            throw new ArgumentOutOfRangeException(nameof(firstRow), firstRow, Invariant($"Band {band} has {rows} rows, counted from 0."));
        if (rowCount < 0 || rowCount > rows - firstRow)
            throw new ArgumentOutOfRangeException(nameof(rowCount), rowCount, Invariant($"Band {band} has {rows} rows, of which {rows - firstRow} are left from row {firstRow} on."));
    }

    private static void RequirePrecision(BandLayout layout, WeightPrecision precision)
    {
        if (layout.Precision != precision)
            throw new ArgumentException($"The precision is {layout.Precision}; it must be {precision}.", nameof(layout));
    }

    private static void RequireImportance(BandLayout layout, ReadOnlySpan<float> columnImportance)
    {
        if (!columnImportance.IsEmpty && columnImportance.Length != layout.Columns)
            throw new ArgumentException(Invariant($"columnImportance has {columnImportance.Length} elements; it must have {layout.Columns}, one for every column, or none."), nameof(columnImportance));
        for (var column = 0; column < columnImportance.Length; column++)
        {
            if (!(columnImportance[column] is >= 0 and < float.PositiveInfinity))
                throw new ArgumentException(Invariant($"columnImportance[{column}] is {columnImportance[column]}; it must be finite, 0 or more."), nameof(columnImportance));
        }
    }

    private static void RequireFinite(BandLayout layout, int band, ReadOnlySpan<float> weights)
    {
        for (var row = 0; row < layout.RowsOf(band); row++)
        {
            var values = weights.Slice(row * layout.Columns, layout.Columns);
            if (float.IsFinite(Nf4.LargestMagnitude(values)))
                continue;

            var column = 0;
            while (float.IsFinite(values[column]))
                column++;
            throw new ArgumentException(
                Invariant($"The weight in row {(band * BandLayout.BandRows) + row}, column {column} of the matrix is {values[column]}; {layout.Precision} needs finite weights."), nameof(weights));
        }
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
