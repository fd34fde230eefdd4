namespace Deepseek.Inference.Kernels;

/// <summary>What one call of <see cref="CacheAttention"/> computes, and how its rows are shared out.</summary>
/// <remarks>A query row is a head of a token; rows of a group count token by token, the group's heads within a token. Blocks are runs of rows of one group.</remarks>
internal unsafe struct AttentionCall
{
    /// <summary>Positions of a split. Splits begin at its multiples, whatever a call's tokens are: so partial results are always of the same positions.</summary>
    public const int SplitPositions = 256;

    /// <summary>Positions whose weights are rounded to whole numbers with one factor; a divisor of <see cref="SplitPositions"/>.</summary>
    public const int GroupPositions = CodeSteps.Run;

    /// <summary>Groups of a split.</summary>
    public const int SplitGroups = SplitPositions / GroupPositions;

    /// <summary>Query rows that kernels compute together at least. A block's rows, and widths in memory, are filled up to such multiples.</summary>
    public const int TileRows = 4;

    /// <summary>Rows of a block at most. More of them share what comes from memory; fewer leave it room in the second cache.</summary>
    public const int MostBlockRows = 32;

    /// <summary>Columns that the widest kernels take at once: a line of whole numbers.</summary>
    public const int ColumnStep = 32;

    /// <summary>Keys that rows meet together.</summary>
    public const int KeysAtOnce = 8;

    /// <summary>Passes over a key of floats where a query row is a lane: each adds two of its <see cref="LaneSums.Lanes"/> sums.</summary>
    public const int KeyPasses = LaneSums.Lanes / 2;

    /// <summary>Elements whose products of whole numbers have an exact sum: queries and rows are filled up to its multiples.</summary>
    public const int CodeRun = CodeSteps.Run;

    /// <summary>Query rows from which on products of whole numbers fill vectors, which have a row a lane: blocks are not cut smaller.</summary>
    public const int CodeRows = 8;

    public AttentionShape Shape;
    public CachedRows Cache;
    public AttentionWindow Window;
    public int FirstPosition;
    public int Tokens;
    public float* Queries; // [T, H, key width]
    public long QueryStride; // elements, from token to token
    public float Scale;
    public float* Outputs; // [T, H, value width]
    public long OutputStride;

    /// <summary>Rows of a block, a multiple of <see cref="TileRows"/>.</summary>
    public int BlockRows;

    /// <summary>Blocks of the calls before, where several are computed together.</summary>
    public int FirstBlock;

    /// <summary>Whether vectors of 512 bits are multiplied in machine code.</summary>
    public bool Vnni;

    /// <summary>Positions that the last token sees of: those of all rows in the cache.</summary>
    public readonly int Positions => FirstPosition + Tokens;

    /// <summary>Splits up to the last token's.</summary>
    public readonly int Splits => (int)Lengths.CeilDiv(Positions, SplitPositions);

    /// <summary>Positions of the last split.</summary>
    public readonly int LastPositions => Positions - ((Splits - 1) * SplitPositions);

    /// <summary>Splits of which any token sees something: those with sinks, then those from the first token's earliest recent position on. One token sees something of each.</summary>
    public readonly int SeenSplits => SinkSplits + Splits - FirstRecentSplit;

    private readonly int SinkSplits => (int)Lengths.CeilDiv(Math.Min(Window.Sink, Positions), SplitPositions);

    private readonly int FirstRecentSplit => (int)Math.Max(SinkSplits, Math.Max(0, (long)FirstPosition - Window.Recent + 1) / SplitPositions);

    /// <summary>Query rows of a group.</summary>
    public readonly int GroupRows => Tokens * Shape.HeadsPerGroup;

    /// <summary>Blocks of a group.</summary>
    public readonly int GroupBlocks => (int)Lengths.CeilDiv(GroupRows, BlockRows);

    /// <summary>Blocks of all groups.</summary>
    public readonly int Blocks => Shape.Groups * GroupBlocks;

    /// <summary>Elements of an output in scratch.</summary>
    public readonly int PaddedValueWidth => Padded(Shape.ValueWidth, ColumnStep);

    /// <summary>Elements from a row's output in scratch to the next row's: an odd number of lines, for with an even one all rows' columns would share a few sets of the first cache.</summary>
    public readonly int PartialStride => PaddedValueWidth + (BandLayout.LineBytes / sizeof(float));

    /// <summary>Whether rows are computed in whole numbers.</summary>
    public readonly bool InCodes => Cache.Format == CacheFormat.Int16;

    /// <summary>Elements of a row's latent part and rope part in whole numbers, each filled up to runs.</summary>
    public readonly int LatentCodes => Padded(Shape.ValueWidth, CodeRun);

    /// <summary>Elements of both.</summary>
    public readonly int CodeWidth => LatentCodes + Padded(Shape.KeyWidth - Shape.ValueWidth, CodeRun);

    /// <summary>Whether cached whole numbers are copied, and filled up, before they are read.</summary>
    public readonly bool CopiesCodes => LatentCodes != Shape.ValueWidth || CodeWidth != Shape.KeyWidth;

    /// <summary>Elements from one position's whole numbers, as they are read, to the next one's.</summary>
    public readonly long CodeStride => CopiesCodes ? CodeWidth : Cache.Stride;

    /// <summary>Elements of a query in single precision, filled up to lanes.</summary>
    public readonly int QueryWidth => Padded(Shape.KeyWidth, LaneSums.Lanes);

    /// <summary>Whether cached floats are copied, widened or filled up, before they are read.</summary>
    public readonly bool CopiesSingles => Cache.Format != CacheFormat.Fp32 || QueryWidth != Shape.KeyWidth || PaddedValueWidth != Shape.ValueWidth;

    /// <summary>Whether values are the begins of keys: then they are copied with them.</summary>
    public readonly bool SharesValues => Shape.ValueOffset == Shape.KeyOffset && Shape.ValueWidth <= Shape.KeyWidth && Shape.Groups == 1;

    /// <summary>Elements from one position's floats, as they are read, to the next one's.</summary>
    public readonly long SingleStride => CopiesSingles ? QueryWidth + (SharesValues ? 0 : PaddedValueWidth) : Cache.Stride;

    /// <summary>Rows that a block has at least.</summary>
    public readonly int LeastRows => InCodes ? CodeRows : TileRows;

    /// <summary>The group of a block, its first query row in the group, and its rows.</summary>
    public readonly (int Group, int FirstRow, int Rows) Block(int block)
    {
        var (group, index) = Math.DivRem(block, GroupBlocks);
        var first = index * BlockRows;
        return (group, first, Math.Min(BlockRows, GroupRows - first));
    }

    /// <summary>A query row's position.</summary>
    public readonly int PositionOf(int row) => FirstPosition + (row / Shape.HeadsPerGroup);

    /// <summary>A split by its number among <see cref="SeenSplits"/>.</summary>
    public readonly int SplitAt(int index) => index < SinkSplits ? index : index - SinkSplits + FirstRecentSplit;

    /// <summary>What a query row sees of a split, relative to the split's start.</summary>
    public readonly VisiblePositions Visible(int row, int split)
    {
        var start = split * SplitPositions;
        return Window.In(PositionOf(row), start, (int)Math.Min((long)start + SplitPositions, Positions));
    }

    /// <summary>A row's query, [key width].</summary>
    public readonly float* Query(int group, int row)
    {
        var (token, head) = Math.DivRem(row, Shape.HeadsPerGroup);
        return Queries + (token * QueryStride) + ((long)((group * Shape.HeadsPerGroup) + head) * Shape.KeyWidth);
    }

    /// <summary>A row's output, [value width].</summary>
    public readonly float* Output(int group, int row)
    {
        var (token, head) = Math.DivRem(row, Shape.HeadsPerGroup);
        return Outputs + (token * OutputStride) + ((long)((group * Shape.HeadsPerGroup) + head) * Shape.ValueWidth);
    }

    /// <summary>The next multiple of a step.</summary>
    public static int Padded(int width, int step) => (width + step - 1) / step * step;
}
