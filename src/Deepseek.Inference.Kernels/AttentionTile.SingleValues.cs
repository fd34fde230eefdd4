using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// Values of floats, weighted: two vectors of columns of all positions, and then the next two. Sums stay in registers for all of a split; its values come from the second cache.
internal sealed unsafe partial class AttentionTile<TLanes, TSingle, TInt32, TInt16>
{
    // Positions further on whose lines are asked for where rows are few: they lie too far apart for processors to foresee them. With 16 rows a line has time enough.
    private const int ValuesAhead = 16;

    private static void AddSingles(in AttentionCall call, in AttentionPiece piece, int group, int rows, int split, Columns columns, in PartialResults results)
    {
        var values = piece.ValuesOf(call, group, split);
        var (stride, step) = ((nint)call.SingleStride, (nint)call.PartialStride);
        var shared = stackalloc VisiblePositions[AttentionCall.MostBlockRows / Rows];
        var tiles = 0;
        for (var row = 0; row < rows; row += Together(row, rows))
            shared[tiles++] = SharedBy(piece.Visible + row, Together(row, rows));
        for (nint column = columns.First; column < columns.End; column += 2 * Width)
        {
            var outputs = results.Output(0) + column;
            for (var row = 0; row < AttentionCall.Padded(rows, Rows); row++)
                StorePair(outputs + (row * step), TLanes.Create(0), TLanes.Create(0));
            for (int row = 0, tile = 0; row < rows; row += Together(row, rows), tile++)
                WeighTile(piece, row, Together(row, rows), shared[tile], values + column, stride, outputs, step);
        }
    }

    // From a row on, how many go together.
    private static int Together(int row, int rows) => Width == Lanes && row + Lanes <= rows ? Lanes : Rows;

    // What all of some rows see, but for second spans where rows differ. They are in the order of positions and far fewer than a split has: all see the same if the first and the last do.
    private static VisiblePositions SharedBy(VisiblePositions* visible, int rows)
    {
        if (visible[0] == visible[rows - 1])
            return visible[0];

        var (from, until) = (visible[0].From, visible[0].Until);
        for (var row = 1; row < rows; row++)
            (from, until) = (Math.Max(from, visible[row].From), Math.Min(until, visible[row].Until));
        return from < until ? new VisiblePositions(from, until, 0, 0) : default;
    }

    // What all rows see they share; the rest goes row by row, since what a row does not see may be anything. Each adds its positions in their order.
    private static void WeighTile(in AttentionPiece piece, int row, int rows, VisiblePositions shared, float* values, nint stride, float* outputs, nint step)
    {
        var visible = piece.Visible + row;
        var weights = piece.Scores + ((long)row * SplitPositions);
        outputs += row * step;
        var apart = visible[0] == visible[rows - 1] ? 0 : rows;
        for (var i = 0; i < apart; i++)
            WeighOne(weights + (i * SplitPositions), values, stride, visible[i].From, Math.Min(visible[i].Until, shared.From), outputs + (i * step));
        WeighRows(weights, rows, values, stride, shared.From, shared.Until, outputs, step);
        WeighRows(weights, rows, values, stride, shared.Again, shared.To, outputs, step);
        for (var i = 0; i < apart; i++)
        {
            WeighOne(weights + (i * SplitPositions), values, stride, Math.Max(visible[i].From, shared.Until), visible[i].Until, outputs + (i * step));
            WeighOne(weights + (i * SplitPositions), values, stride, visible[i].Again, visible[i].To, outputs + (i * step));
        }
    }

    private static void WeighRows(float* weights, int rows, float* values, nint stride, int from, int to, float* output, nint step)
    {
        if (rows == Rows)
        {
            WeighFour(weights, values, stride, from, to, output, step);
            return;
        }

        WeighSixteen(weights, values, stride, from, to, output, step);
        WeighSixteen(weights, values + Width, stride, from, to, output + Width, step);
    }

    [MethodImpl(HotLoop.Options)]
    private static void WeighSixteen(float* weights, float* values, nint stride, int from, int to, float* output, nint step)
    {
        if (from >= to)
            return;

        var o4 = output + (4 * step);
        var o8 = o4 + (4 * step);
        var o12 = o8 + (4 * step);
        var (s0, s1, s2, s3) = (TLanes.Load(output), TLanes.Load(output + step), TLanes.Load(output + (2 * step)), TLanes.Load(output + (3 * step)));
        var (s4, s5, s6, s7) = (TLanes.Load(o4), TLanes.Load(o4 + step), TLanes.Load(o4 + (2 * step)), TLanes.Load(o4 + (3 * step)));
        var (s8, s9, s10, s11) = (TLanes.Load(o8), TLanes.Load(o8 + step), TLanes.Load(o8 + (2 * step)), TLanes.Load(o8 + (3 * step)));
        var (s12, s13, s14, s15) = (TLanes.Load(o12), TLanes.Load(o12 + step), TLanes.Load(o12 + (2 * step)), TLanes.Load(o12 + (3 * step)));
        values += from * stride;
        var end = weights + to;
        for (var w = weights + from; w < end; w++, values += stride)
        {
            var v = TLanes.Load(values);
            s0 = TLanes.FusedMultiplyAdd(v, TLanes.Create(w[0]), s0);
            s1 = TLanes.FusedMultiplyAdd(v, TLanes.Create(w[1 * SplitPositions]), s1);
            s2 = TLanes.FusedMultiplyAdd(v, TLanes.Create(w[2 * SplitPositions]), s2);
            s3 = TLanes.FusedMultiplyAdd(v, TLanes.Create(w[3 * SplitPositions]), s3);
            s4 = TLanes.FusedMultiplyAdd(v, TLanes.Create(w[4 * SplitPositions]), s4);
            s5 = TLanes.FusedMultiplyAdd(v, TLanes.Create(w[5 * SplitPositions]), s5);
            s6 = TLanes.FusedMultiplyAdd(v, TLanes.Create(w[6 * SplitPositions]), s6);
            s7 = TLanes.FusedMultiplyAdd(v, TLanes.Create(w[7 * SplitPositions]), s7);
            s8 = TLanes.FusedMultiplyAdd(v, TLanes.Create(w[8 * SplitPositions]), s8);
            s9 = TLanes.FusedMultiplyAdd(v, TLanes.Create(w[9 * SplitPositions]), s9);
            s10 = TLanes.FusedMultiplyAdd(v, TLanes.Create(w[10 * SplitPositions]), s10);
            s11 = TLanes.FusedMultiplyAdd(v, TLanes.Create(w[11 * SplitPositions]), s11);
            s12 = TLanes.FusedMultiplyAdd(v, TLanes.Create(w[12 * SplitPositions]), s12);
            s13 = TLanes.FusedMultiplyAdd(v, TLanes.Create(w[13 * SplitPositions]), s13);
            s14 = TLanes.FusedMultiplyAdd(v, TLanes.Create(w[14 * SplitPositions]), s14);
            s15 = TLanes.FusedMultiplyAdd(v, TLanes.Create(w[15 * SplitPositions]), s15);
        }

        StoreFour(output, step, s0, s1, s2, s3);
        StoreFour(o4, step, s4, s5, s6, s7);
        StoreFour(o8, step, s8, s9, s10, s11);
        StoreFour(o12, step, s12, s13, s14, s15);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreFour(float* to, nint step, TSingle a, TSingle b, TSingle c, TSingle d)
    {
        TLanes.Store(a, to);
        TLanes.Store(b, to + step);
        TLanes.Store(c, to + (2 * step));
        TLanes.Store(d, to + (3 * step));
    }

    private static void WeighFour(float* w0, float* values, nint stride, int from, int to, float* o0, nint step)
    {
        if (from >= to)
            return;

        var w1 = w0 + SplitPositions;
        var w2 = w1 + SplitPositions;
        var w3 = w2 + SplitPositions;
        var o1 = o0 + step;
        var o2 = o1 + step;
        var o3 = o2 + step;
        var (s00, s01) = (TLanes.Load(o0), TLanes.Load(o0 + Width));
        var (s10, s11) = (TLanes.Load(o1), TLanes.Load(o1 + Width));
        var (s20, s21) = (TLanes.Load(o2), TLanes.Load(o2 + Width));
        var (s30, s31) = (TLanes.Load(o3), TLanes.Load(o3 + Width));
        var value = values + (from * stride);
        for (nint p = from; p < to; p++, value += stride)
        {
            if (Sse.IsSupported)
                Sse.Prefetch0(value + (ValuesAhead * stride));
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

    private static void WeighOne(float* weights, float* values, nint stride, int from, int to, float* output)
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
