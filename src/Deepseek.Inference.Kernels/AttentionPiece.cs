namespace Deepseek.Inference.Kernels;

/// <summary>What is known of a block's rows over one split: what they see of it, and their scores, which become weights.</summary>
internal readonly unsafe struct AttentionPiece
{
    private const int Split = AttentionCall.SplitPositions;
    private const int Groups = AttentionCall.SplitGroups;

    // Kernels may read a step beyond the last element.
    private const int Slack = AttentionCall.ColumnStep;

    /// <summary>Places it for a call, from a place in memory on, which moves behind it.</summary>
    public AttentionPiece(in AttentionCall call, ref byte* at)
    {
        var rows = AttentionCall.Padded(call.BlockRows, LaneSums.Lanes); // where a row is a lane
        Visible = (VisiblePositions*)AttentionScratch.Take(ref at, rows * sizeof(VisiblePositions));
        Scores = (float*)AttentionScratch.Take(ref at, (long)rows * Split * sizeof(float));
        if (!call.InCodes)
        {
            if (call.CopiesSingles)
                Singles = (float*)AttentionScratch.Take(ref at, ((Split * call.SingleStride) + Slack) * sizeof(float));
            return;
        }

        LargestScores = (float*)AttentionScratch.Take(ref at, (long)rows * Groups * sizeof(float));
        Weights = (short*)AttentionScratch.Take(ref at, (long)rows * Split * sizeof(short));
        WeightSteps = (float*)AttentionScratch.Take(ref at, (long)rows * Groups * sizeof(float));
        LatentScales = (float*)AttentionScratch.Take(ref at, Split * sizeof(float));
        RopeScales = (float*)AttentionScratch.Take(ref at, Split * sizeof(float));
        if (call.CopiesCodes)
            Codes = (short*)AttentionScratch.Take(ref at, (long)Split * call.CodeWidth * sizeof(short));
    }

    /// <summary>What each row sees of the split, [rows].</summary>
    public VisiblePositions* Visible { get; }

    /// <summary>Where all rows see the same: where the first group begins of which they see something, and the end of what they see.</summary>
    public (int From, int To) Seen => (Visible->From / AttentionCall.GroupPositions * AttentionCall.GroupPositions, Visible->To);

    /// <summary>Scores, then weights, [rows, split]; of whole numbers a row a lane, [rows / lanes, split, lanes].</summary>
    public float* Scores { get; }

    /// <summary>The largest scores of groups, [rows / lanes, groups, lanes].</summary>
    public float* LargestScores { get; }

    /// <summary>Rounded weights, a row a lane and two positions side by side, [rows / lanes, split / 2, lanes, 2], and the factors of their groups, [rows / lanes, groups, lanes].</summary>
    public short* Weights { get; }

    public float* WeightSteps { get; }

    /// <summary>Scales of the rows of groups that were scored, [split]; 0 from the end of what is seen.</summary>
    public float* LatentScales { get; }

    public float* RopeScales { get; }

    /// <summary>Rows filled up to whole steps, [split, code width], where they are not read as they are cached.</summary>
    public short* Codes { get; }

    /// <summary>Floats, widened and filled up, [split, single stride], where they are not read as they are cached: keys, and behind each its value unless that is a part of it.</summary>
    public float* Singles { get; }

    /// <summary>The key of a split's first position for a group of heads, in floats.</summary>
    public float* KeysOf(in AttentionCall call, int group, int split) =>
        call.CopiesSingles ? Singles : (float*)call.Cache.At((long)split * Split, call.Shape.KeyOffset + (group * call.Shape.KeyWidth));

    /// <summary>Its value.</summary>
    public float* ValuesOf(in AttentionCall call, int group, int split) =>
        !call.CopiesSingles ? (float*)call.Cache.At((long)split * Split, call.Shape.ValueOffset + (group * call.Shape.ValueWidth)) : call.SharesValues ? Singles : Singles + call.QueryWidth;

    /// <summary>The whole numbers of a split's first position.</summary>
    public short* CodesOf(in AttentionCall call, int split) => call.CopiesCodes ? Codes : (short*)call.Cache.At((long)split * Split, 0);

    /// <summary>A row's score at a position, where a row is a lane.</summary>
    public float* ScoresOf(int row, int position, int lanes) => Scores + (((row / lanes * Split) + position) * (long)lanes) + (row % lanes);

    /// <summary>A row's weights at a position, an even one, and the next.</summary>
    public short* WeightsOf(int row, int position, int lanes) => Weights + (((row / lanes * Split) + position) * (long)lanes) + (row % lanes * 2);

    /// <summary>The largest score of a row in a position's group.</summary>
    public float* LargestScoresOf(int row, int position, int lanes) => LargestScores + OfGroup(row, position, lanes);

    /// <summary>The factor of a row's weights in a position's group.</summary>
    public float* WeightStepsOf(int row, int position, int lanes) => WeightSteps + OfGroup(row, position, lanes);

    private static int OfGroup(int row, int position, int lanes) => (((row / lanes * Groups) + (position / AttentionCall.GroupPositions)) * lanes) + (row % lanes);
}
