namespace Deepseek.Inference.Kernels;

/// <summary>A worker's memory: where things lie in it for a call.</summary>
internal readonly unsafe struct AttentionScratch
{
    private AttentionScratch(in AttentionCall call, byte* start)
    {
        var rows = call.BlockRows;
        var laneRows = AttentionCall.Padded(rows, LaneSums.Lanes); // where a row is a lane
        var at = start;

        PreparedBlock = (int*)Take(ref at, sizeof(int));
        var length = PartialResults.LengthOf(rows, call.PartialStride) * sizeof(float);
        SoFar = new PartialResults((float*)Take(ref at, length), rows, call.PartialStride);
        Part = new PartialResults((float*)Take(ref at, length), rows, call.PartialStride);
        Piece = new AttentionPiece(call, ref at);
        Lanes = (float*)Take(ref at, AttentionCall.GroupPositions * LaneSums.Lanes * sizeof(float));

        if (call.InCodes)
        {
            RowCodes = (short*)Take(ref at, (long)laneRows * call.CodeWidth * sizeof(short));
            QueryCodes = (short*)Take(ref at, (long)laneRows * call.CodeWidth * sizeof(short));
            LatentSteps = (float*)Take(ref at, laneRows * sizeof(float));
            RopeSteps = (float*)Take(ref at, laneRows * sizeof(float));
            Pairs = (short*)Take(ref at, AttentionCall.GroupPositions * AttentionCall.ColumnStep * sizeof(short));
            Whole = (float*)Take(ref at, call.CodeWidth * sizeof(float));
        }
        else
        {
            Queries = (float*)Take(ref at, (long)rows * call.QueryWidth * sizeof(float));
            LaneQueries = (float*)Take(ref at, (long)rows * call.QueryWidth * sizeof(float));
            PassSums = (float*)Take(ref at, AttentionCall.KeyPasses * AttentionCall.KeysAtOnce * LaneSums.Lanes * sizeof(float));
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

    /// <summary>The block over one split.</summary>
    public AttentionPiece Piece { get; }

    /// <summary>The lanes of 8 sums; the sums of 32 keys with a query a lane, or of 2 × 16 lanes with a row a lane.</summary>
    public float* Lanes { get; }

    /// <summary>Scaled queries in single precision, [rows, query width].</summary>
    public float* Queries { get; }

    /// <summary>Of whole vectors of rows the same with a row a lane, [rows / 16, 8, query width / 8, 16]: every 8th element of them, one after the other.</summary>
    public float* LaneQueries { get; }

    /// <summary>Sums of products of 16 rows, one a lane, with 8 keys, [8, 8, 16].</summary>
    public float* PassSums { get; }

    /// <summary>Rounded queries, [rows, code width]. Latent part and rope part are each filled up with zeros.</summary>
    public short* RowCodes { get; }

    /// <summary>The same, a row a lane: [rows / lanes, code width / 2, lanes, 2].</summary>
    public short* QueryCodes { get; }

    /// <summary>The factors of the parts' codes, [rows].</summary>
    public float* LatentSteps { get; }

    public float* RopeSteps { get; }

    /// <summary>Some columns of a group's rows, two rows side by side.</summary>
    public short* Pairs { get; }

    /// <summary>A query before it is rounded.</summary>
    public float* Whole { get; }

    /// <summary>The layout for a call, over memory of at least <see cref="Bytes"/>; over null to learn how much.</summary>
    public static AttentionScratch At(in AttentionCall call, byte* start) => new(call, start);

    /// <summary>Takes whole lines.</summary>
    public static byte* Take(ref byte* at, long bytes)
    {
        var start = at;
        at += (bytes + BandLayout.LineBytes - 1) / BandLayout.LineBytes * BandLayout.LineBytes;
        return start;
    }
}
