namespace Deepseek.Inference.Kernels;

/// <summary>Where the weights of a matrix lie in a page store: bands of 64 rows, tiles of 16 rows (in 4 bits) or 4, lines of 64 bytes.</summary>
/// <remarks>
/// <para>
/// A matrix is a sequence of bands of <see cref="BandRows"/> rows; the last one may be shorter. A band begins with a header that holds its scales or their factors, padded to whole lines, and needs nothing
/// outside itself. Then come its tiles: <see cref="TileRows"/> rows each, and in a tile, column by column of lines, one line of each row. So a kernel that multiplies a tile
/// reads one stream of memory from end to end.
/// </para>
/// <para>
/// A line holds consecutive columns of one row. In 4 bits they are 128: the low nibble of byte i is column i, the high nibble column 64 + i, so that each half of the nibbles is one
/// block. Rows end in whole lines and bands in whole tiles; what no weight fills is 0, in 4 bits <see cref="Nf4.ZeroCode"/>.
/// </para>
/// <para>
/// In 4 bits the lines of a tile's 16 rows are interleaved by pieces of 4 bytes: the first piece of every row, then the second piece of every row, and so on. A vector then holds a row in each of its
/// 32-bit lanes, whose products need not be added across lanes. A tile of <see cref="WeightPrecision.Nf4"/> begins with its blocks' scales: what is read next lies next.
/// </para>
/// </remarks>
public readonly record struct BandLayout
{
    /// <summary>Rows of a band.</summary>
    public const int BandRows = 64;

    /// <summary>Bytes of a line that lie together where lines are interleaved.</summary>
    public const int PieceBytes = 4;

    /// <summary>Rows of a tile in 4 bits.</summary>
    internal const int InterleavedRows = LineBytes / PieceBytes;

    /// <summary>Rows of a tile in all other precisions.</summary>
    internal const int PlainRows = 4;

    /// <summary>Bytes of a line, and the alignment of everything: a cache line, and a vector of AVX-512.</summary>
    public const int LineBytes = 64;

    /// <summary>Columns that share a scale in 4 bits and in 8 bits by blocks.</summary>
    public const int BlockColumns = 64;

    /// <summary>Rows and columns that share a scale in FP8.</summary>
    public const int Fp8Block = 128;

    /// <summary>Blocks whose scales share a factor in 4 bits.</summary>
    public const int GroupBlocks = 256;

    private readonly int _headerBytes; // of a whole band: asked for a few times a product

    /// <summary>The layout of a matrix.</summary>
    /// <param name="precision">How weights are kept.</param>
    /// <param name="rows">Rows, 1 to 2²⁸.</param>
    /// <param name="columns">Columns, 1 to 2²⁰.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size or the precision is out of range.</exception>
    public BandLayout(WeightPrecision precision, int rows, int columns)
    {
        const int maxRows = 1 << 28;
        const int maxColumns = 1 << 20; // a band stays far below 2³¹ bytes
        if (!Enum.IsDefined(precision))
            throw new ArgumentOutOfRangeException(nameof(precision), precision, "The precision is unknown.");
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, maxRows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(columns, maxColumns);
        (Precision, Rows, Columns) = (precision, rows, columns);
        LinesPerRow = (int)Lengths.CeilDiv(columns, ColumnsPerLine);
        _headerBytes = HeaderLength(BandRows);
    }

    /// <summary>How weights are kept.</summary>
    public WeightPrecision Precision { get; }

    /// <summary>Rows of the matrix: outputs.</summary>
    public int Rows { get; }

    /// <summary>Columns of the matrix: inputs.</summary>
    public int Columns { get; }

    /// <summary>Lines that hold a row, the last one perhaps in part.</summary>
    public int LinesPerRow { get; }

    /// <summary>Rows of a tile.</summary>
    public int TileRows => IsInterleaved ? InterleavedRows : PlainRows;

    /// <summary>Bytes from a piece of a line to its next one.</summary>
    public int PieceStride => IsInterleaved ? LineBytes : PieceBytes;

    /// <summary>Columns that a line holds.</summary>
    public int ColumnsPerLine => Precision switch
    {
        WeightPrecision.Nf4 or WeightPrecision.Nf4Dynamic => 2 * LineBytes,
        WeightPrecision.BF16 or WeightPrecision.F16 => LineBytes / 2,
        WeightPrecision.F32 => LineBytes / 4,
        _ => LineBytes,
    };

    /// <summary>Blocks of <see cref="BlockColumns"/> columns in a row, the last one perhaps short.</summary>
    public int BlocksPerRow => (int)Lengths.CeilDiv(Columns, BlockColumns);

    /// <summary>Bands of the matrix.</summary>
    public int BandCount => (int)Lengths.CeilDiv(Rows, BandRows);

    /// <summary>Bytes of the whole matrix.</summary>
    public long ByteLength => OffsetOf(BandCount - 1) + BytesOf(BandCount - 1);

    /// <summary>Rows of a band: <see cref="BandRows"/>, or what the last one has.</summary>
    /// <param name="band">The band, from 0.</param>
    public int RowsOf(int band) => Math.Min(BandRows, Rows - (band * BandRows));

    /// <summary>First byte of a band, from the matrix's first.</summary>
    /// <param name="band">The band, from 0.</param>
    public long OffsetOf(int band) => (long)band * BytesOf(BandRows, _headerBytes);

    /// <summary>Bytes of a band.</summary>
    /// <param name="band">The band, from 0.</param>
    public int BytesOf(int band) => BytesOf(RowsOf(band), HeaderBytesOf(band));

    /// <summary>Bytes of a band's header, padded to whole lines.</summary>
    /// <param name="band">The band, from 0.</param>
    public int HeaderBytesOf(int band)
    {
        var rows = RowsOf(band);
        return rows == BandRows ? _headerBytes : HeaderLength(rows);
    }

    /// <summary>Offset of a line's first piece from its band's first byte; the others follow <see cref="PieceStride"/> bytes apart.</summary>
    /// <param name="headerBytes">Bytes of the band's header.</param>
    /// <param name="row">The row within the band.</param>
    /// <param name="line">The line within the row.</param>
    public int LineOffset(int headerBytes, int row, int line) =>
        headerBytes + (row / TileRows * TileBytes) + TileHeaderBytes + (line * TileRows * LineBytes) + (row % TileRows * (IsInterleaved ? PieceBytes : LineBytes));

    /// <summary>
    /// Blocks of the group in which a band of 4 bits begins that lie before the band. The signed scales' groups begin with their band, so none; those of bitsandbytes run through the
    /// whole matrix.
    /// </summary>
    /// <param name="band">The band, from 0.</param>
    public int GroupPhaseOf(int band) => Precision == WeightPrecision.Nf4Dynamic ? (int)((long)band * BandRows * BlocksPerRow % GroupBlocks) : 0;

    /// <summary>Groups of scales that a band of 4 bits touches.</summary>
    /// <param name="band">The band, from 0.</param>
    public int GroupsOf(int band) => GroupCount(GroupPhaseOf(band), RowsOf(band));

    /// <summary>Bytes of a tile.</summary>
    internal int TileBytes => TileHeaderBytes + (TileRows * LinesPerRow * LineBytes);

    /// <summary>Bytes of the scales that a tile begins with, padded to whole lines.</summary>
    internal int TileHeaderBytes => Precision == WeightPrecision.Nf4 ? PaddedTo(LineBytes, InterleavedRows * BlocksPerRow) : 0;

    /// <summary>Bytes of the fp32 numbers that a header of 4 bits begins with: steps, or the offset and factors of bitsandbytes, whose codes follow. Bands whose groups begin elsewhere have as many.</summary>
    /// <param name="band">The band, from 0.</param>
    internal int FactorBytesOf(int band) => FactorBytes(RowsOf(band));

    /// <summary>Where the scale of a block is among those of its band, which decides its group: of <see cref="WeightPrecision.Nf4"/> tile by tile, in a tile block by block, in a block row by row; row by row elsewhere.</summary>
    /// <param name="row">The row within the band.</param>
    /// <param name="block">The block within the row.</param>
    internal int ScaleIndexOf(int row, int block) =>
        Precision == WeightPrecision.Nf4 ? (((row / InterleavedRows * BlocksPerRow) + block) * InterleavedRows) + (row % InterleavedRows) : (row * BlocksPerRow) + block;

    /// <summary>Offset of the code of a block's scale of 4 bits from its band's first byte.</summary>
    /// <param name="band">The band, from 0.</param>
    /// <param name="row">The row within the band.</param>
    /// <param name="block">The block within the row.</param>
    internal int ScaleCodeOffset(int band, int row, int block) => Precision == WeightPrecision.Nf4
        ? HeaderBytesOf(band) + (row / InterleavedRows * TileBytes) + (block * InterleavedRows) + (row % InterleavedRows)
        : FactorBytesOf(band) + ScaleIndexOf(row, block);

    private bool IsInterleaved => Precision is WeightPrecision.Nf4 or WeightPrecision.Nf4Dynamic;

    private static int PaddedTo(int unit, int count) => (int)Lengths.CeilDiv(count, unit) * unit;

    private int GroupCount(int phase, int rows) => (int)Lengths.CeilDiv(phase + ((long)(Precision == WeightPrecision.Nf4 ? PaddedTo(InterleavedRows, rows) : rows) * BlocksPerRow), GroupBlocks);

    /// <summary>A step a group; of bitsandbytes' scales the offset, then a factor a group, with room for the most groups that as many rows can touch.</summary>
    private int FactorBytes(int rows) => sizeof(float) * (Precision == WeightPrecision.Nf4Dynamic ? GroupCount(0, rows) + 2 : GroupCount(0, rows));

    private int HeaderLength(int rows)
    {
        long bytes = Precision switch
        {
            WeightPrecision.Nf4 => FactorBytes(rows),
            WeightPrecision.Nf4Dynamic => FactorBytes(rows) + ((long)rows * BlocksPerRow), // a code a block
            WeightPrecision.Int8 => 4L * rows,
            WeightPrecision.Int8Block => 4L * rows * BlocksPerRow,
            WeightPrecision.Fp8 => 4 * Lengths.CeilDiv(Columns, Fp8Block),
            _ => 0,
        };
        return checked((int)(Lengths.CeilDiv(bytes, LineBytes) * LineBytes));
    }

    private int BytesOf(int rows, int headerBytes) => checked(headerBytes + ((int)Lengths.CeilDiv(rows, TileRows) * TileBytes));
}
