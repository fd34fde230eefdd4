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
    public void LineOffset_AllLinesOfABand_FillItWithoutOverlap()
    {
        Prop.ForAll(Layouts, layout => Enumerable.Range(0, layout.BandCount).All(band =>
        {
            var header = layout.HeaderBytesOf(band);
            var tiledRows = (layout.RowsOf(band) + BandLayout.TileRows - 1) / BandLayout.TileRows * BandLayout.TileRows;
            var offsets =
                from row in Enumerable.Range(0, tiledRows)
                from line in Enumerable.Range(0, layout.LinesPerRow)
                select layout.LineOffset(header, row, line);
            return offsets.Order().SequenceEqual(Enumerable.Range(0, (layout.BytesOf(band) - header) / BandLayout.LineBytes).Select(i => header + (i * BandLayout.LineBytes)));
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
            var blocks = layout.RowsOf(band) * layout.BlocksPerRow;
            var phase = layout.Precision == WeightPrecision.Nf4Dynamic ? before % BandLayout.GroupBlocks : 0;
            return layout.GroupPhaseOf(band) == phase && layout.GroupsOf(band) == ((phase + blocks - 1) / BandLayout.GroupBlocks) + 1;
        })).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void ScaleCodesOffsetOf_AnyBandOf4Bits_LeavesRoomForItsGroupsAndCodes()
    {
        Prop.ForAll(Layouts, layout =>
            layout.Precision is not (WeightPrecision.Nf4 or WeightPrecision.Nf4Dynamic) || Enumerable.Range(0, layout.BandCount).All(band =>
            {
                var first = layout.Precision == WeightPrecision.Nf4Dynamic ? sizeof(float) : 0;
                return layout.ScaleCodesOffsetOf(band) >= first + (sizeof(float) * layout.GroupsOf(band))
                    && layout.ScaleCodesOffsetOf(band) + (layout.RowsOf(band) * layout.BlocksPerRow) <= layout.HeaderBytesOf(band);
            })).QuickCheckThrowOnFailure();
    }

    /// <summary>Matrices of DeepSeek-R1's experts and of its latent attention, worked out by hand.</summary>
    [Theory]
    [InlineData(WeightPrecision.Nf4, 2048, 7168, 32, 7_296, 236_672)] // 28 steps and 7,168 codes: 7,280 bytes; 64 · 56 lines
    [InlineData(WeightPrecision.Nf4Dynamic, 2048, 7168, 32, 7_296, 236_672)] // an offset and a factor more: 7,288 bytes
    [InlineData(WeightPrecision.Nf4, 7168, 2048, 112, 2_112, 67_648)] // 8 steps and 2,048 codes: 2,080 bytes; 64 · 16 lines
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
