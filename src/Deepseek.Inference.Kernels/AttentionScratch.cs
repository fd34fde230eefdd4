namespace Deepseek.Inference.Kernels;

/// <summary>A worker's memory: where things lie in it for a call.</summary>
internal readonly unsafe struct AttentionScratch
{
    private const int Split = AttentionCall.SplitPositions;

    // Kernels may read a step beyond the last element.
    private const int Slack = AttentionCall.ColumnStep;

    private AttentionScratch(in AttentionCall call, byte* start)
    {
        var shape = call.Shape;
        var rows = call.BlockRows;
        var laneRows = AttentionCall.Padded(rows, LaneSums.Lanes); // where a row is a lane
        var at = start;

        PreparedBlock = (int*)Take(ref at, sizeof(int));
        var length = PartialResults.LengthOf(rows, call.PartialStride) * sizeof(float);
        SoFar = new PartialResults((float*)Take(ref at, length), rows, call.PartialStride);
        Part = new PartialResults((float*)Take(ref at, length), rows, call.PartialStride);
        Scores = (float*)Take(ref at, (long)laneRows * Split * sizeof(float));
        Visible = (VisiblePositions*)Take(ref at, (long)rows * sizeof(VisiblePositions));
        Lanes = (float*)Take(ref at, AttentionCall.GroupPositions * LaneSums.Lanes * sizeof(float));

        if (call.InCodes)
        {
            (LatentWidth, RopeWidth) = (AttentionCall.Padded(shape.ValueWidth, AttentionCall.CodeRun), AttentionCall.Padded(shape.KeyWidth - shape.ValueWidth, AttentionCall.CodeRun));
            QueryWidth = LatentWidth + RopeWidth;
            RowCodes = (short*)Take(ref at, (long)laneRows * QueryWidth * sizeof(short));
            QueryCodes = (short*)Take(ref at, (long)laneRows * QueryWidth * sizeof(short));
            LatentSteps = (float*)Take(ref at, laneRows * sizeof(float));
            RopeSteps = (float*)Take(ref at, laneRows * sizeof(float));
            LargestScores = (float*)Take(ref at, laneRows * sizeof(float));
            Weights = (short*)Take(ref at, (long)laneRows * Split * sizeof(short));
            WeightSteps = (float*)Take(ref at, (long)laneRows * AttentionCall.SplitGroups * sizeof(float));
            Pairs = (short*)Take(ref at, AttentionCall.GroupPositions * AttentionCall.ColumnStep * sizeof(short));
            LatentScales = (float*)Take(ref at, Split * sizeof(float));
            RopeScales = (float*)Take(ref at, Split * sizeof(float));
            Whole = (float*)Take(ref at, QueryWidth * sizeof(float));
            CopiesRows = LatentWidth != shape.ValueWidth || QueryWidth != shape.KeyWidth;
            if (CopiesRows)
                Codes = (short*)Take(ref at, ((long)Split * QueryWidth + Slack) * sizeof(short));
        }
        else
        {
            QueryWidth = AttentionCall.Padded(shape.KeyWidth, LaneSums.Lanes);
            Queries = (float*)Take(ref at, (long)rows * QueryWidth * sizeof(float));
            SharesValues = shape.ValueOffset == shape.KeyOffset && shape.ValueWidth <= shape.KeyWidth && shape.Groups == 1;
            RowWidth = QueryWidth + (SharesValues ? 0 : call.PaddedValueWidth);
            CopiesRows = call.Cache.Format != CacheFormat.Fp32 || QueryWidth != shape.KeyWidth || call.PaddedValueWidth != shape.ValueWidth;
            if (CopiesRows)
                Singles = (float*)Take(ref at, ((long)Split * RowWidth + Slack) * sizeof(float));
        }

        Bytes = (nuint)(at - start);
    }

    /// <summary>Bytes that a call needs.</summary>
    public nuint Bytes { get; }

    /// <summary>The block whose queries lie here, counted from the first call's, or −1.</summary>
    public int* PreparedBlock { get; }

    /// <summary>Of the splits so far.</summary>
    public PartialResults SoFar { get; }

    /// <summary>Of one split.</summary>
    public PartialResults Part { get; }

    /// <summary>Scores, then weights, [rows, split]; of whole numbers a row a lane, [rows / lanes, split, lanes].</summary>
    public float* Scores { get; }

    /// <summary>What each row sees of the split, [rows].</summary>
    public VisiblePositions* Visible { get; }

    /// <summary>The lanes of 8 sums; the sums of 32 keys with a query a lane, or of 2 × 16 lanes with a row a lane.</summary>
    public float* Lanes { get; }

    /// <summary>Elements of a prepared query.</summary>
    public int QueryWidth { get; }

    /// <summary>Whether cached rows are copied, widened or filled up, before they are read.</summary>
    public bool CopiesRows { get; }

    /// <summary>Scaled queries in single precision, [rows, query width].</summary>
    public float* Queries { get; }

    /// <summary>Widened rows, [split, row width]: key, then value unless it is a part of the key.</summary>
    public float* Singles { get; }

    public int RowWidth { get; }

    public bool SharesValues { get; }

    /// <summary>Rounded queries, [rows, query width]. Latent part and rope part are each filled up with zeros.</summary>
    public short* RowCodes { get; }

    /// <summary>The same, a row a lane: [rows / lanes, query width / 2, lanes, 2].</summary>
    public short* QueryCodes { get; }

    /// <summary>The factors of the parts' codes, [rows].</summary>
    public float* LatentSteps { get; }

    public float* RopeSteps { get; }

    public int LatentWidth { get; }

    public int RopeWidth { get; }

    /// <summary>The largest scores of a split, [rows].</summary>
    public float* LargestScores { get; }

    /// <summary>Rounded weights, a row a lane and two positions side by side, [rows / lanes, split / 2, lanes, 2], and the factors of their groups, [rows / lanes, groups, lanes].</summary>
    public short* Weights { get; }

    public float* WeightSteps { get; }

    /// <summary>Some columns of a group's rows, two rows side by side.</summary>
    public short* Pairs { get; }

    /// <summary>Scales of the split's rows, [split]; 0 where there is no row.</summary>
    public float* LatentScales { get; }

    public float* RopeScales { get; }

    /// <summary>A query before it is rounded.</summary>
    public float* Whole { get; }

    /// <summary>Rows filled up to whole steps, [split, query width].</summary>
    public short* Codes { get; }

    /// <summary>A row's score at a position, where a row is a lane.</summary>
    public float* ScoresOf(int row, int position, int lanes) => Scores + ((long)(row / lanes * Split) + position) * lanes + (row % lanes);

    /// <summary>A row's weights at a position, an even one, and the next.</summary>
    public short* WeightsOf(int row, int position, int lanes) => Weights + ((long)(row / lanes * Split) + position) * lanes + (row % lanes * 2);

    /// <summary>The factor of a row's weights in a position's group.</summary>
    public float* WeightStepsOf(int row, int position, int lanes) =>
        WeightSteps + (((row / lanes * AttentionCall.SplitGroups) + (position / AttentionCall.GroupPositions)) * lanes) + (row % lanes);

    /// <summary>The layout for a call, over memory of at least <see cref="Bytes"/>; over null to learn how much.</summary>
    public static AttentionScratch At(in AttentionCall call, byte* start) => new(call, start);

    private static byte* Take(ref byte* at, long bytes)
    {
        var start = at;
        at += (bytes + BandLayout.LineBytes - 1) / BandLayout.LineBytes * BandLayout.LineBytes;
        return start;
    }
}
