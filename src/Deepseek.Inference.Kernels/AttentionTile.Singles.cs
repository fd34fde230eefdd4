using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// Cached rows of floats: everything in single precision.
internal sealed unsafe partial class AttentionTile<TLanes, TSingle, TInt32, TInt16>
{
    // A group of positions.
    private static void ScoreSingles(in AttentionCall call, in AttentionScratch scratch, in AttentionPiece piece, int block, int split, int position, int to)
    {
        var (group, firstRow, rows) = call.Block(block);
        PrepareSingles(call, scratch, block, group, firstRow, rows);
        var (width, stride, copies) = (call.QueryWidth, (nint)call.SingleStride, call.CopiesSingles);
        var end = Math.Min(position + GroupPositions, to);
        for (var p = position; copies && p < end; p++)
            CopySingles(call, group, ((long)split * SplitPositions) + p, piece.Singles + (p * stride));

        float* keys = piece.KeysOf(call, group, split), values = piece.ValuesOf(call, group, split);
        var laneRows = LaneRows(rows);
        for (var row = 0; row < laneRows; row += Lanes)
            ScoreLanes(call, scratch, piece, row, keys, position, to);
        for (var row = laneRows; row < rows; row += Rows)
        {
            for (var p = position; p < end; p += 2)
            {
                var key = keys + (p * stride);
                Dots(scratch.Queries + ((long)row * width), width, key, p + 1 < to ? stride : 0, GroupPositions * stride, values + (p * stride), scratch.Lanes);
                StoreScores(LaneSums.Add8(scratch.Lanes), piece.Scores + ((long)row * SplitPositions) + p);
            }
        }
    }

    // The products of 4 queries with 2 keys, lane by lane. Few queries compute with a row for less time than memory takes to answer: the second cache is asked for keys further on, and for the values of these.
    private static void Dots(float* q0, nint width, float* k0, nint stride, nint far, float* v0, float* lanes)
    {
        var k1 = k0 + stride;
        var q1 = q0 + width;
        var q2 = q1 + width;
        var q3 = q2 + width;
        for (nint lane = 0; lane < Lanes; lane += Width)
        {
            var s00 = TLanes.Create(0);
            var (s01, s10, s11, s20, s21, s30, s31) = (s00, s00, s00, s00, s00, s00, s00);
            for (var i = lane; i < width; i += Lanes)
            {
                if (Sse.IsSupported)
                {
                    Sse.Prefetch1(k0 + far + i);
                    Sse.Prefetch1(k1 + far + i);
                    Sse.Prefetch1(v0 + i);
                    Sse.Prefetch1(v0 + stride + i);
                }

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
