using Deepseek.Inference.Kernels;
using static TorchSharp.torch;

namespace Deepseek.Inference.Quantization;

/// <summary>Decodes bands of one layout where they lie, with tensor operations of their device.</summary>
/// <remarks>
/// The bits are those of <see cref="Bands.Decode(BandLayout, int, ReadOnlySpan{byte}, int, int, Span{float})"/>: the same table values meet the same scales in the same single multiplication.
/// Axes: b bands, r rows of a band, k blocks of a row, l lines of a row.
/// </remarks>
internal sealed class BandDecoder
{
    private const int LineBytes = BandLayout.LineBytes;
    private const int BlockColumns = BandLayout.BlockColumns;

    private readonly DeviceTables _tables;
    private readonly Tensor? _groups; // i32 [64·k], the group of a block of a band; of 4 bits with steps
    private readonly Tensor? _blocks; // i64 [64·k], the block's number; of bitsandbytes' scales
    private readonly Tensor? _phases; // i64 [b, 1], blocks of a band's first group before the band

    /// <summary>Prepares what all matrices of a layout share.</summary>
    public BandDecoder(BandLayout layout, DeviceTables tables)
    {
        (Layout, _tables) = (layout, tables);
        var blocks = BandLayout.BandRows * layout.BlocksPerRow;
        if (layout.Precision == WeightPrecision.Nf4)
            _groups = tables.Keep((int[])[.. Enumerable.Range(0, blocks).Select(block => block / BandLayout.GroupBlocks)]);
        if (layout.Precision != WeightPrecision.Nf4Dynamic)
            return;
        _blocks = tables.Keep((long[])[.. Enumerable.Range(0, blocks).Select(block => (long)block)]);
        _phases = tables.Keep((long[])[.. Enumerable.Range(0, layout.BandCount).Select(band => (long)layout.GroupPhaseOf(band))]);
    }

    /// <summary>Precision and sizes.</summary>
    public BandLayout Layout { get; }

    /// <summary>Decodes consecutive bands.</summary>
    /// <param name="memory">Bytes on the device, u8 [n].</param>
    /// <param name="offset">Where <paramref name="placement"/> begins in them.</param>
    /// <param name="placement">Where the bands lie.</param>
    /// <param name="first">The first band.</param>
    /// <param name="count">Bands.</param>
    /// <returns>fp32 [rows of the bands, columns]; the caller disposes it.</returns>
    public Tensor Decode(Tensor memory, long offset, BandPlacement placement, int first, int count)
    {
        using var scope = NewDisposeScope();
        var last = Layout.BandCount - 1;
        // The last band may be shorter, and where it is the only one it has no stride.
        var apart = first + count > last && (Layout.RowsOf(last) < BandLayout.BandRows || last == 0);
        var regular = apart ? count - 1 : count;
        List<Tensor> parts = [];
        if (regular > 0)
            parts.Add(Run(memory, offset + placement.OffsetOf(first), placement.Stride, first, regular));
        if (apart)
            parts.Add(Run(memory, offset + placement.OffsetOf(last), Layout.BytesOf(last), last, 1));
        return (parts.Count == 1 ? parts[0] : cat(parts)).MoveToOuterDisposeScope();
    }

    private Tensor Run(Tensor memory, long start, long stride, int band, int count)
    {
        var (bytes, header, rows) = (Layout.BytesOf(band), Layout.HeaderBytesOf(band), Layout.RowsOf(band));
        var bands = memory.as_strided([count, bytes], [stride, 1], start); // [b, bytes]
        var (tileRows, tiles) = (Layout.TileRows, (rows + Layout.TileRows - 1) / Layout.TileRows);
        var pieces = Layout.PieceStride / BandLayout.PieceBytes; // rows that are interleaved
        var all = bands.narrow(1, header, bytes - header).view(count, tiles, Layout.TileBytes);
        var codes = all.narrow(2, Layout.TileHeaderBytes, Layout.TileBytes - Layout.TileHeaderBytes)
            .view(count, tiles, Layout.LinesPerRow, tileRows / pieces, LineBytes / BandLayout.PieceBytes, pieces, BandLayout.PieceBytes)
            .permute(0, 1, 3, 5, 2, 4, 6) // [b, tile, row of it, l, 64], a row and a line in two parts
            .reshape(count, tiles, tileRows, Layout.LinesPerRow, LineBytes);

        var values = Values(codes).view(count, tiles * tileRows, -1).narrow(1, 0, rows); // [b, r, l · columns of a line]
        if (Scales(bands, all, band, rows) is { } scales)
        {
            var blocks = values.narrow(2, 0, (long)Layout.BlocksPerRow * BlockColumns).view(count, rows, Layout.BlocksPerRow, BlockColumns);
            blocks.mul_(scales);
        }

        return values.narrow(2, 0, Layout.Columns).reshape((long)count * rows, Layout.Columns).contiguous();
    }

    /// <summary>What codes stand for, before scales; flat, row by row.</summary>
    private Tensor Values(Tensor codes)
    {
        switch (Layout.Precision)
        {
            case WeightPrecision.Nf4 or WeightPrecision.Nf4Dynamic:
                // Each half of the nibbles of a line is one block.
                var nibbles = cat([codes.bitwise_and(_tables.LowNibble), codes.bitwise_right_shift(_tables.Four)], -1);
                return Look(_tables.Values(Layout.Precision), nibbles);
            case WeightPrecision.Int8 or WeightPrecision.Int8Block:
                return Look(_tables.Signed, codes);
            case WeightPrecision.Fp8:
                return Look(_tables.Values(Layout.Precision), codes);
            case WeightPrecision.F32:
                return _tables.Floats.Read(codes.reshape(-1, sizeof(float)));
            default:
                var pairs = codes.reshape(-1, sizeof(short)).to(ScalarType.Int32);
                return _tables.Values(Layout.Precision).index_select(0, pairs.select(1, 1).bitwise_left_shift(_tables.Eight).add_(pairs.select(1, 0), HeldScalar.One));
        }
    }

    /// <summary>The factors of blocks, in a shape that broadcasts to [b, r, k, 64]; null where weights are what they are.</summary>
    private Tensor? Scales(Tensor bands, Tensor tiles, int band, int rows)
    {
        var (count, blocks) = (bands.shape[0], Layout.BlocksPerRow);
        switch (Layout.Precision)
        {
            case WeightPrecision.Nf4:
                return SignedScales(bands, tiles, band, rows).unsqueeze(3);
            case WeightPrecision.Nf4Dynamic:
                return DynamicScales(bands, band, rows * blocks).view(count, rows, blocks, 1);
            case WeightPrecision.Int8:
                return Floats(bands, 0, rows).view(count, rows, 1, 1);
            case WeightPrecision.Int8Block:
                return Floats(bands, 0, rows * blocks).view(count, rows, blocks, 1);
            case WeightPrecision.Fp8:
                var across = (Layout.Columns + BandLayout.Fp8Block - 1) / BandLayout.Fp8Block;
                return Floats(bands, 0, across).repeat_interleave(BandLayout.Fp8Block / BlockColumns, 1).narrow(1, 0, blocks).reshape(count, 1, blocks, 1);
            default:
                return null;
        }
    }

    /// <summary>Signed scales, [b, r, k]: a code each, times its group's step.</summary>
    private Tensor SignedScales(Tensor bands, Tensor tiles, int band, int rows)
    {
        var (count, blocks) = (bands.shape[0], Layout.TileRows * Layout.BlocksPerRow);
        var steps = Floats(bands, 0, Layout.GroupsOf(band)); // [b, groups]
        return Look(_tables.Signed, tiles.narrow(2, 0, blocks)).view(count, -1).mul_(steps.index_select(1, _groups!.narrow(0, 0, tiles.shape[1] * blocks)))
            .view(count, -1, Layout.BlocksPerRow, Layout.TileRows) // [b, tile, k, row of it]
            .transpose(2, 3).reshape(count, -1, Layout.BlocksPerRow).narrow(1, 0, rows);
    }

    /// <summary>Scales of bitsandbytes, [b, blocks]: a code each, times its group's factor, and the offset. Groups run through the whole matrix: a band begins within one.</summary>
    private Tensor DynamicScales(Tensor bands, int band, int blocks)
    {
        var codesOffset = Layout.FactorBytesOf(band);
        var factors = Floats(bands, sizeof(float), (codesOffset / sizeof(float)) - 1);
        var groups = _phases!.narrow(0, band, bands.shape[0]).unsqueeze(1).add(_blocks!.narrow(0, 0, blocks).unsqueeze(0), HeldScalar.One).bitwise_right_shift(_tables.Eight); // [b, blocks]
        return Look(_tables.Dynamic, bands.narrow(1, codesOffset, blocks)).view(-1, blocks).mul_(factors.gather(1, groups)).add_(Floats(bands, 0, 1), HeldScalar.One);
    }

    /// <summary>fp32 numbers of every band's header, [b, count].</summary>
    private Tensor Floats(Tensor bands, int offset, int count) =>
        _tables.Floats.Read(bands.narrow(1, offset, (long)count * sizeof(float)).reshape(-1, sizeof(float))).view(-1, count);

    private static Tensor Look(Tensor table, Tensor codes) => table.index_select(0, codes.reshape(-1).to(ScalarType.Int32));
}
