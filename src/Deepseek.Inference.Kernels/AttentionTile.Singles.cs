using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

// Cached rows of floats: everything in single precision.
internal sealed unsafe partial class AttentionTile<TLanes, TSingle, TInt32, TInt16>
{
    private static void SplitOfSingles(in AttentionCall call, in AttentionScratch scratch, int block, int split, int from, int to, in PartialResults results)
    {
        var (group, firstRow, rows) = call.Block(block);
        PrepareSingles(call, scratch, block, group, firstRow, rows);
        var start = (long)split * SplitPositions;
        float* keys; // of the split's first position
        float* values;
        long stride;
        if (scratch.CopiesRows)
        {
            for (var p = from; p < to; p++)
                CopySingles(call, scratch, group, start + p, scratch.Singles + ((long)p * scratch.RowWidth));
            keys = scratch.Singles;
            stride = scratch.RowWidth;
            values = keys + (scratch.SharesValues ? 0 : scratch.QueryWidth);
        }
        else
        {
            keys = (float*)call.Cache.At(start, call.Shape.KeyOffset + (group * call.Shape.KeyWidth));
            values = (float*)call.Cache.At(start, call.Shape.ValueOffset + (group * call.Shape.ValueWidth));
            stride = call.Cache.Stride;
        }

        var laneRows = LaneRows(rows);
        for (var p = from; p < to; p += GroupPositions)
        {
            for (var row = 0; row < laneRows; row += Lanes)
                ScoreLanes(scratch, row, keys, (nint)stride, p, to);
            for (var row = laneRows; row < rows; row += Rows)
            {
                for (var i = p; i < Math.Min(p + GroupPositions, to); i += 2)
                {
                    var key = keys + (i * stride);
                    Dots(scratch.Queries + ((long)row * scratch.QueryWidth), scratch.QueryWidth, key, i + 1 < to ? key + stride : key, scratch.Lanes);
                    StoreScores(LaneSums.Add8(scratch.Lanes), scratch.Piece.Scores + ((long)row * SplitPositions) + i);
                }
            }
        }

        for (var row = 0; row < rows; row++)
        {
            if (!scratch.Piece.Visible[row].IsEmpty)
                Soften(scratch.Piece.Scores + ((long)row * SplitPositions), scratch.Piece.Visible[row], scratch.Lanes, out results.Largest[row], out results.Sums[row]);
        }

        var outputs = results.Output(0);
        NativeMemory.Clear(outputs, (nuint)AttentionCall.Padded(rows, Rows) * (nuint)call.PartialStride * sizeof(float));
        for (nint column = 0; column < call.PaddedValueWidth; column += 2 * Width)
            WeighSingles(scratch.Piece, rows, values + column, (nint)stride, outputs + column, call.PartialStride);
    }

    // The products of 4 queries with 2 keys, lane by lane.
    private static void Dots(float* q0, nint width, float* k0, float* k1, float* lanes)
    {
        var q1 = q0 + width;
        var q2 = q1 + width;
        var q3 = q2 + width;
        for (nint lane = 0; lane < Lanes; lane += Width)
        {
            var s00 = TLanes.Create(0);
            var (s01, s10, s11, s20, s21, s30, s31) = (s00, s00, s00, s00, s00, s00, s00);
            for (var i = lane; i < width; i += Lanes)
            {
                var (a, b) = (TLanes.Load(k0 + i), TLanes.Load(k1 + i));
                var q = TLanes.Load(q0 + i);
                s00 = TLanes.FusedMultiplyAdd(q, a, s00);
                s01 = TLanes.FusedMultiplyAdd(q, b, s01);
                q = TLanes.Load(q1 + i);
                s10 = TLanes.FusedMultiplyAdd(q, a, s10);
                s11 = TLanes.FusedMultiplyAdd(q, b, s11);
                q = TLanes.Load(q2 + i);
                s20 = TLanes.FusedMultiplyAdd(q, a, s20);
                s21 = TLanes.FusedMultiplyAdd(q, b, s21);
                q = TLanes.Load(q3 + i);
                s30 = TLanes.FusedMultiplyAdd(q, a, s30);
                s31 = TLanes.FusedMultiplyAdd(q, b, s31);
            }

            StoreLanes(lanes + lane, s00, s01, s10, s11, s20, s21, s30, s31);
        }
    }
}
