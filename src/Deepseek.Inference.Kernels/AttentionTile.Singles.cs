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

        for (var p = from; p < to; p += GroupPositions)
        {
            for (var row = 0; row < rows; row += Rows)
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
        for (var first = from; first < to; first += GroupPositions)
            Weigh(call, scratch, rows, first, values, stride, outputs);
    }

    // Adds the values of a group of positions. Rows that see different positions of it go one by one, since what a row does not see may be anything.
    private static void Weigh(in AttentionCall call, in AttentionScratch scratch, int rows, int first, float* values, long stride, float* outputs)
    {
        var step = call.PartialStride;
        for (nint column = 0; column < call.PaddedValueWidth; column += 2 * Width)
        {
            for (var row = 0; row < rows; row += Rows)
            {
                var visible = scratch.Piece.Visible + row;
                var scores = scratch.Piece.Scores + ((long)row * SplitPositions);
                var output = outputs + ((long)row * step) + column;
                if (visible[0] == visible[1] && visible[0] == visible[2] && visible[0] == visible[3])
                {
                    var seen = visible[0].Within(first, first + GroupPositions);
                    WeighFour(scores, values + column, stride, seen.From, seen.Until, output, step);
                    WeighFour(scores, values + column, stride, seen.Again, seen.To, output, step);
                    continue;
                }

                for (var i = 0; i < Rows; i++)
                {
                    var seen = visible[i].Within(first, first + GroupPositions);
                    WeighOne(scores + (i * SplitPositions), values + column, stride, seen.From, seen.Until, output + (i * step));
                    WeighOne(scores + (i * SplitPositions), values + column, stride, seen.Again, seen.To, output + (i * step));
                }
            }
        }
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

    private static void WeighFour(float* w0, float* values, long stride, int from, int to, float* o0, long width)
    {
        if (from >= to)
            return;

        var w1 = w0 + SplitPositions;
        var w2 = w1 + SplitPositions;
        var w3 = w2 + SplitPositions;
        var o1 = o0 + width;
        var o2 = o1 + width;
        var o3 = o2 + width;
        var (s00, s01) = (TLanes.Load(o0), TLanes.Load(o0 + Width));
        var (s10, s11) = (TLanes.Load(o1), TLanes.Load(o1 + Width));
        var (s20, s21) = (TLanes.Load(o2), TLanes.Load(o2 + Width));
        var (s30, s31) = (TLanes.Load(o3), TLanes.Load(o3 + Width));
        var value = values + (from * stride);
        for (nint p = from; p < to; p++, value += stride)
        {
            var (a, b) = (TLanes.Load(value), TLanes.Load(value + Width));
            var w = TLanes.Create(w0[p]);
            s00 = TLanes.FusedMultiplyAdd(w, a, s00);
            s01 = TLanes.FusedMultiplyAdd(w, b, s01);
            w = TLanes.Create(w1[p]);
            s10 = TLanes.FusedMultiplyAdd(w, a, s10);
            s11 = TLanes.FusedMultiplyAdd(w, b, s11);
            w = TLanes.Create(w2[p]);
            s20 = TLanes.FusedMultiplyAdd(w, a, s20);
            s21 = TLanes.FusedMultiplyAdd(w, b, s21);
            w = TLanes.Create(w3[p]);
            s30 = TLanes.FusedMultiplyAdd(w, a, s30);
            s31 = TLanes.FusedMultiplyAdd(w, b, s31);
        }

        StorePair(o0, s00, s01);
        StorePair(o1, s10, s11);
        StorePair(o2, s20, s21);
        StorePair(o3, s30, s31);
    }

    private static void WeighOne(float* weights, float* values, long stride, int from, int to, float* output)
    {
        if (from >= to)
            return;

        var (first, second) = (TLanes.Load(output), TLanes.Load(output + Width));
        var value = values + (from * stride);
        for (nint p = from; p < to; p++, value += stride)
        {
            var w = TLanes.Create(weights[p]);
            first = TLanes.FusedMultiplyAdd(w, TLanes.Load(value), first);
            second = TLanes.FusedMultiplyAdd(w, TLanes.Load(value + Width), second);
        }

        StorePair(output, first, second);
    }
}
