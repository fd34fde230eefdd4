using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Kernels.Tests;

public sealed class BandLayoutTests
{
    private static readonly Arbitrary<BandLayout> Layouts =
        (from precision in Gen.Elements(Enum.GetValues<WeightPrecision>())
         from rows in Gen.Choose(1, 300)
         from columns in Gen.Choose(1, 700)
         select new BandLayout(precision, rows, columns)).ToArbitrary();

    [Fact]
    public void LineOffset_AllPiecesOfABandsLines_FillItWithoutOverlap()
    {
        Prop.ForAll(Layouts, layout => Enumerable.Range(0, layout.BandCount).All(band =>
        {
            var header = layout.HeaderBytesOf(band);
            var tiledRows = (layout.RowsOf(band) + layout.TileRows - 1) / layout.TileRows * layout.TileRows;
            var offsets =
                from row in Enumerable.Range(0, tiledRows)
                from line in Enumerable.Range(0, layout.LinesPerRow)
                from piece in Enumerable.Range(0, BandLayout.LineBytes / BandLayout.PieceBytes)
                select layout.LineOffset(header, row, line) + (piece * layout.PieceStride);
            var places =
                from tile in Enumerable.Range(0, tiledRows / layout.TileRows)
                from place in Enumerable.Range(0, (layout.TileBytes - layout.TileHeaderBytes) / BandLayout.PieceBytes)
                select header + (tile * layout.TileBytes) + layout.TileHeaderBytes + (place * BandLayout.PieceBytes);
            return offsets.Order().SequenceEqual(places) && layout.BytesOf(band) == header + (tiledRows / layout.TileRows * layout.TileBytes);
        })).QuickCheckThrowOnFailure();
    }

    /// <summary>Row 21, line 1 and its piece 3 of a matrix of two lines a row, worked out by hand.</summary>
    [Theory]
    [InlineData(WeightPrecision.Nf4, 256, 3412)] // the second tile of 64 bytes of scales and 2 · 1,024; 64 and 1,024 for its scales and the line before, 3 · 64, 5 · 4
    [InlineData(WeightPrecision.Int8, 128, 2892)] // the sixth tile of 2 · 256 bytes; 256 for the line before, 64 for the row before, 3 · 4
    public void LineOffset_APieceOfALine_IsTheOneWorkedOutByHand(WeightPrecision precision, int columns, int expected)
    {
        var layout = new BandLayout(precision, 64, columns);

        Assert.Equal(expected, layout.LineOffset(headerBytes: 0, row: 21, line: 1) + (3 * layout.PieceStride));
    }

    [Fact]
    public void ScaleCodeOffset_AllBlocksOfABandOf4Bits_LieApartFromOneAnotherAndFromLines()
    {
        Prop.ForAll(Layouts, layout => !Is4Bits(layout) || Enumerable.Range(0, layout.BandCount).All(band =>
        {
            var (rows, header) = (layout.RowsOf(band), layout.HeaderBytesOf(band));
            var codes =
                from row in Enumerable.Range(0, rows)
                from block in Enumerable.Range(0, layout.BlocksPerRow)
                select layout.ScaleCodeOffset(band, row, block);
            var lines =
                from row in Enumerable.Range(0, rows)
                from line in Enumerable.Range(0, layout.LinesPerRow)
                from piece in Enumerable.Range(0, BandLayout.LineBytes / BandLayout.PieceBytes)
                from i in Enumerable.Range(0, BandLayout.PieceBytes)
                select layout.LineOffset(header, row, line) + (piece * layout.PieceStride) + i;
            int[] all = [.. codes, .. lines];
            return all.ToHashSet().Count == all.Length && all.Min() >= layout.FactorBytesOf(band) && all.Max() < layout.BytesOf(band);
        })).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void OffsetOf_AllBands_FollowOneAnotherUpToTheEnd()
    {
        Prop.ForAll(Layouts, layout =>
        {
            var end = 0L;
            for (var band = 0; band < layout.BandCount; band++)
            {
                if (layout.OffsetOf(band) != end || end % BandLayout.LineBytes != 0)
                    return false;
                end += layout.BytesOf(band);
            }

            return end == layout.ByteLength;
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void RowsOf_AllBands_AddUpToTheMatrix()
    {
        Prop.ForAll(Layouts, layout => Enumerable.Range(0, layout.BandCount).Sum(layout.RowsOf) == layout.Rows).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void ColumnsPerLine_AnyMatrix_HoldARowInLinesPerRow()
    {
        Prop.ForAll(Layouts, layout =>
            layout.LinesPerRow * layout.ColumnsPerLine >= layout.Columns && (layout.LinesPerRow - 1) * layout.ColumnsPerLine < layout.Columns).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void GroupPhaseOf_AllBands_GoOnWhereTheBandBeforeEnded()
    {
        Prop.ForAll(Layouts, layout => Enumerable.Range(0, layout.BandCount).All(band =>
        {
            var before = band * BandLayout.BandRows * layout.BlocksPerRow;
            var rows = layout.Precision == WeightPrecision.Nf4 ? (layout.RowsOf(band) + 15) / 16 * 16 : layout.RowsOf(band);
            var blocks = rows * layout.BlocksPerRow;
            var phase = layout.Precision == WeightPrecision.Nf4Dynamic ? before % BandLayout.GroupBlocks : 0;
            return layout.GroupPhaseOf(band) == phase && layout.GroupsOf(band) == ((phase + blocks - 1) / BandLayout.GroupBlocks) + 1;
        })).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void FactorBytesOf_AnyBandOf4Bits_AreRoomForItsGroups()
    {
        Prop.ForAll(Layouts, layout => !Is4Bits(layout) || Enumerable.Range(0, layout.BandCount).All(band =>
        {
            var first = layout.Precision == WeightPrecision.Nf4Dynamic ? sizeof(float) : 0;
            return layout.FactorBytesOf(band) >= first + (sizeof(float) * layout.GroupsOf(band)) && layout.FactorBytesOf(band) <= layout.HeaderBytesOf(band);
        })).QuickCheckThrowOnFailure();
    }

    /// <summary>Matrices of DeepSeek-R1's experts and of its latent attention, worked out by hand.</summary>
    [Theory]
    [InlineData(WeightPrecision.Nf4, 2048, 7168, 32, 128, 236_672)] // 28 steps; 4 · 1,792 codes and 64 · 56 lines
    [InlineData(WeightPrecision.Nf4Dynamic, 2048, 7168, 32, 7_296, 236_672)] // an offset and a factor more: 7,288 bytes
    [InlineData(WeightPrecision.Nf4, 7168, 2048, 112, 64, 67_648)] // 8 steps; 4 · 512 codes and 64 · 16 lines
    [InlineData(WeightPrecision.Int8, 576, 7168, 9, 256, 459_008)] // 64 scales; 64 · 112 lines
    [InlineData(WeightPrecision.Int8Block, 576, 7168, 9, 28_672, 487_424)] // 64 · 112 scales
    [InlineData(WeightPrecision.Fp8, 576, 7168, 9, 256, 459_008)] // 56 scales: 224 bytes
    [InlineData(WeightPrecision.BF16, 256, 7168, 4, 0, 917_504)] // 64 · 224 lines
    [InlineData(WeightPrecision.F32, 256, 7168, 4, 0, 1_835_008)] // 64 · 448 lines
    public void BytesOf_MatricesOfR1_AreThoseWorkedOutByHand(WeightPrecision precision, int rows, int columns, int bands, int header, int bytes)
    {
        var layout = new BandLayout(precision, rows, columns);

        Assert.Equal(bands, layout.BandCount);
        Assert.Equal(header, layout.HeaderBytesOf(0));
        Assert.Equal(bytes, layout.BytesOf(0));
        Assert.Equal((long)bands * bytes, layout.ByteLength);
    }

    [Fact]
    public void ByteLength_LargestMatrixOf4Bits_IsCountedInLong()
    {
        var layout = new BandLayout(WeightPrecision.Nf4, 1 << 28, 1 << 20);

        // 2²² bands of 64 rows: 2²⁰ codes and 4,096 steps, then 64 · 8,192 lines.
        Assert.Equal((1L << 22) * ((1 << 20) + (4 * 4096) + (64L * 8192 * 64)), layout.ByteLength);
    }

    private static bool Is4Bits(BandLayout layout) => layout.Precision is WeightPrecision.Nf4 or WeightPrecision.Nf4Dynamic;

    [Theory]
    [InlineData(WeightPrecision.Nf4, 0, 1)]
    [InlineData(WeightPrecision.Nf4, 1, 0)]
    [InlineData(WeightPrecision.Nf4, (1 << 28) + 1, 1)]
    [InlineData(WeightPrecision.Nf4, 1, (1 << 20) + 1)]
    [InlineData((WeightPrecision)99, 1, 1)]
    public void Constructor_SizeOrPrecisionOutOfRange_Throws(WeightPrecision precision, int rows, int columns)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new BandLayout(precision, rows, columns));
    }
}
