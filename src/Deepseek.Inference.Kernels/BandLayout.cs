namespace Deepseek.Inference.Kernels;

/// <summary>Where the weights of a matrix lie in a page store: bands of 64 rows, tiles of 4 rows, lines of 64 bytes.</summary>
/// <remarks>
/// <para>
/// A matrix is a sequence of bands of <see cref="BandRows"/> rows; the last one may be shorter. A band begins with a header that holds its scales, padded to whole lines, and needs nothing
/// outside itself. Then come its tiles: <see cref="TileRows"/> rows each, and in a tile, column by column of lines, one line of each row. So a kernel that multiplies four rows
/// reads one stream of memory from end to end.
/// </para>
/// <para>
/// A line holds consecutive columns of one row. In 4 bits they are 128: the low nibble of byte i is column i, the high nibble column 64 + i, so that each half of the nibbles is one
/// block. Rows end in whole lines and bands in whole tiles; what no weight fills is 0, in 4 bits <see cref="Nf4.ZeroCode"/>.
/// </para>
/// </remarks>
public readonly record struct BandLayout
{
    /// <summary>Rows of a band.</summary>
    public const int BandRows = 64;

    /// <summary>Rows of a tile.</summary>
    public const int TileRows = 4;

    /// <summary>Bytes of a line, and the alignment of everything: a cache line, and a vector of AVX-512.</summary>
    public const int LineBytes = 64;

    /// <summary>Columns that share a scale in 4 bits and in 8 bits by blocks.</summary>
    public const int BlockColumns = 64;

    /// <summary>Rows and columns that share a scale in FP8.</summary>
    public const int Fp8Block = 128;

    /// <summary>Blocks whose scales share a factor in 4 bits.</summary>
    public const int GroupBlocks = 256;

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
    }

    /// <summary>How weights are kept.</summary>
    public WeightPrecision Precision { get; }

    /// <summary>Rows of the matrix: outputs.</summary>
    public int Rows { get; }

    /// <summary>Columns of the matrix: inputs.</summary>
    public int Columns { get; }

    /// <summary>Lines that hold a row, the last one perhaps in part.</summary>
    public int LinesPerRow { get; }

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
    public long OffsetOf(int band) => (long)band * BytesOf(BandRows, HeaderLength(BandRows));

    /// <summary>Bytes of a band.</summary>
    /// <param name="band">The band, from 0.</param>
    public int BytesOf(int band) => BytesOf(RowsOf(band), HeaderBytesOf(band));

    /// <summary>Bytes of a band's header, padded to whole lines.</summary>
    /// <param name="band">The band, from 0.</param>
    public int HeaderBytesOf(int band) => HeaderLength(RowsOf(band));

    /// <summary>Offset of a line from its band's first byte.</summary>
    /// <param name="headerBytes">Bytes of the band's header.</param>
    /// <param name="row">The row within the band.</param>
    /// <param name="line">The line within the row.</param>
    public int LineOffset(int headerBytes, int row, int line) =>
        headerBytes + (((((row / TileRows) * LinesPerRow) + line) * TileRows) + (row % TileRows)) * LineBytes;

    /// <summary>
    /// Blocks of the group in which a band of 4 bits begins that lie before the band. The signed scales' groups begin with their band, so none; those of bitsandbytes run through the
    /// whole matrix.
    /// </summary>
    /// <param name="band">The band, from 0.</param>
    public int GroupPhaseOf(int band) => Precision == WeightPrecision.Nf4Dynamic ? (int)((long)band * BandRows * BlocksPerRow % GroupBlocks) : 0;

    /// <summary>Groups of scales that a band of 4 bits touches.</summary>
    /// <param name="band">The band, from 0.</param>
    public int GroupsOf(int band) => GroupCount(GroupPhaseOf(band), RowsOf(band));

    /// <summary>First byte of the codes of the scales of a band of 4 bits, from the band's first. Bands whose groups begin elsewhere have their codes in the same place.</summary>
    /// <param name="band">The band, from 0.</param>
    internal int ScaleCodesOffsetOf(int band) => ScaleCodesOffset(RowsOf(band));

    private int GroupCount(int phase, int rows) => (int)Lengths.CeilDiv(phase + ((long)rows * BlocksPerRow), GroupBlocks);

    /// <summary>Before the codes lies a step a group; of bitsandbytes' scales the offset, then a factor a group, with room for the most groups that as many rows can touch.</summary>
    private int ScaleCodesOffset(int rows) => sizeof(float) * (Precision == WeightPrecision.Nf4Dynamic ? GroupCount(0, rows) + 2 : GroupCount(0, rows));

    private int HeaderLength(int rows)
    {
        long bytes = Precision switch
        {
            WeightPrecision.Nf4 or WeightPrecision.Nf4Dynamic => ScaleCodesOffset(rows) + ((long)rows * BlocksPerRow), // a code a block
            WeightPrecision.Int8 => 4L * rows,
            WeightPrecision.Int8Block => 4L * rows * BlocksPerRow,
            WeightPrecision.Fp8 => 4 * Lengths.CeilDiv(Columns, Fp8Block),
            _ => 0,
        };
        return checked((int)(Lengths.CeilDiv(bytes, LineBytes) * LineBytes));
    }

    private int BytesOf(int rows, int headerBytes) => checked(headerBytes + (int)(Lengths.CeilDiv(rows, TileRows) * TileRows * LinesPerRow * LineBytes));
}
