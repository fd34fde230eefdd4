using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// Values of whole numbers, weighted: two positions a step, whose numbers lie side by side in a lane.
internal sealed unsafe partial class AttentionTile<TLanes, TSingle, TInt32, TInt16>
{
    // In machine code as many rows and groups as can be; the others a line of each position after the other, group by group, two vectors of columns at a time, whose sums stay in the first cache.
    private static void AddCodes(in AttentionCall call, in AttentionScratch scratch, in AttentionPiece piece, int rows, int split, int from, int to, Columns columns, in PartialResults results)
    {
        var (step, stride) = ((long)call.PartialStride, call.CodeStride);
        var values = piece.CodesOf(call, split);
        var whole = to / GroupPositions * GroupPositions;
        var rowsInCode = Width == VnniScoreCode.Lanes && call.Vnni && from < whole ? VnniAttention.Weigh(piece, rows, from, whole, values, stride, columns, results.Output(0), step) : 0;
        for (nint line = columns.First; line < columns.End; line += AttentionCall.ColumnStep)
        {
            for (var first = rowsInCode < rows ? from : whole; first < to; first += GroupPositions)
            {
                var positions = Math.Min(GroupPositions, to - first);
                var firstRow = first < whole ? rowsInCode : 0;
                // What comes next is the next group, or the first one's next line.
                var ahead = first + GroupPositions < to ? GroupPositions * stride : ((from - first) * stride) + AttentionCall.ColumnStep;
                for (var column = line; column < line + AttentionCall.ColumnStep; column += 2 * Width)
                {
                    var outputs = results.Output(firstRow) + column;
                    PairAndWeigh(values + (first * stride) + column, stride, ahead, piece.WeightsOf(firstRow, first, Width), positions, piece.WeightStepsOf(firstRow, first, Width), outputs, step, first == from, scratch.Pairs);
                    for (var row = firstRow + Rows; row < rows; row += Rows)
                        WeighCodes(scratch.Pairs, piece.WeightsOf(row, first, Width), positions, piece.WeightStepsOf(row, first, Width), results.Output(row) + column, step, first == from);
                }
            }
        }
    }

    // Puts the numbers of each two positions side by side for all rows, and adds them to 4: those are computed while the second cache answers.
    [MethodImpl(HotLoop.Options)]
    private static void PairAndWeigh(short* values, long stride, long ahead, short* weights, int positions, float* steps, float* outputs, long step, bool firstGroup, short* pairs)
    {
        TInt32 s00 = default, s01 = default, s10 = default, s11 = default, s20 = default, s21 = default, s30 = default, s31 = default;
        var (a, b) = PairUp(values, stride, ahead, positions, pairs);
        AddPositions(true, weights, a, b, ref s00, ref s01, ref s10, ref s11, ref s20, ref s21, ref s30, ref s31);
        for (var left = positions - 2; left > 0; left -= 2)
        {
            values += 2 * stride;
            weights += 2 * Width;
            pairs += 4 * Width;
            (a, b) = PairUp(values, stride, ahead, left, pairs);
            AddPositions(false, weights, a, b, ref s00, ref s01, ref s10, ref s11, ref s20, ref s21, ref s30, ref s31);
        }

        Join(outputs, step, steps, firstGroup, s00, s01, s10, s11, s20, s21, s30, s31);
    }

    // Adds a group's paired values to 4 rows; their sums begin with the first group.
    [MethodImpl(HotLoop.Options)]
    private static void WeighCodes(short* pairs, short* weights, int positions, float* steps, float* outputs, long step, bool firstGroup)
    {
        TInt32 s00 = default, s01 = default, s10 = default, s11 = default, s20 = default, s21 = default, s30 = default, s31 = default;
        AddPairs(true, weights, pairs, ref s00, ref s01, ref s10, ref s11, ref s20, ref s21, ref s30, ref s31);
        weights += 2 * Width;
        pairs += 4 * Width;
        var left = positions - 2;
        // Two steps a turn, whose places are parts of instructions.
        for (; left > 2; left -= 4, weights += 4 * Width, pairs += 8 * Width)
        {
            AddPairs(false, weights, pairs, ref s00, ref s01, ref s10, ref s11, ref s20, ref s21, ref s30, ref s31);
            AddPairs(false, weights + (2 * Width), pairs + (4 * Width), ref s00, ref s01, ref s10, ref s11, ref s20, ref s21, ref s30, ref s31);
        }

        if (left > 0)
            AddPairs(false, weights, pairs, ref s00, ref s01, ref s10, ref s11, ref s20, ref s21, ref s30, ref s31);
        Join(outputs, step, steps, firstGroup, s00, s01, s10, s11, s20, s21, s30, s31);
    }

    // Two positions' numbers by turns, which are kept, too. A last position without a second has a weight of 0 there. What comes next is asked for.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (TInt16 First, TInt16 Second) PairUp(short* values, long stride, long ahead, int left, short* pairs)
    {
        var second = values + (left > 1 ? stride : 0);
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(values + ahead);
            Sse.Prefetch0(second + ahead);
        }

        var (a, b) = TLanes.Interleave(TLanes.Load(values), TLanes.Load(second));
        TLanes.Store(a, pairs);
        TLanes.Store(b, pairs + (2 * Width));
        return (a, b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddPairs(
        [ConstantExpected] bool begin, short* weights, short* pairs,
        ref TInt32 s00, ref TInt32 s01, ref TInt32 s10, ref TInt32 s11, ref TInt32 s20, ref TInt32 s21, ref TInt32 s30, ref TInt32 s31) =>
        AddPositions(begin, weights, TLanes.Load(pairs), TLanes.Load(pairs + (2 * Width)), ref s00, ref s01, ref s10, ref s11, ref s20, ref s21, ref s30, ref s31);

    // Two positions' values, with the weights of four rows. The first ones begin the sums.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddPositions(
        [ConstantExpected] bool begin, short* weights, TInt16 a, TInt16 b,
        ref TInt32 s00, ref TInt32 s01, ref TInt32 s10, ref TInt32 s11, ref TInt32 s20, ref TInt32 s21, ref TInt32 s30, ref TInt32 s31)
    {
        AddProducts(begin, TLanes.CreatePair(weights), a, b, ref s00, ref s01);
        AddProducts(begin, TLanes.CreatePair(weights + 2), a, b, ref s10, ref s11);
        AddProducts(begin, TLanes.CreatePair(weights + 4), a, b, ref s20, ref s21);
        AddProducts(begin, TLanes.CreatePair(weights + 6), a, b, ref s30, ref s31);
    }

    // Four rows' sums become single precision, times their weights' factors, and join the groups before.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Join(
        float* outputs, long step, float* steps, bool firstGroup, TInt32 s00, TInt32 s01, TInt32 s10, TInt32 s11, TInt32 s20, TInt32 s21, TInt32 s30, TInt32 s31)
    {
        Join(outputs, s00, s01, steps[0], firstGroup);
        Join(outputs + step, s10, s11, steps[1], firstGroup);
        Join(outputs + (2 * step), s20, s21, steps[2], firstGroup);
        Join(outputs + (3 * step), s30, s31, steps[3], firstGroup);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Join(float* to, TInt32 first, TInt32 second, float step, bool firstGroup)
    {
        var (a, b) = firstGroup ? (TLanes.Create(0), TLanes.Create(0)) : (TLanes.Load(to), TLanes.Load(to + Width));
        TLanes.Store(TLanes.FusedMultiplyAdd(TLanes.ToSingle(first), TLanes.Create(step), a), to);
        TLanes.Store(TLanes.FusedMultiplyAdd(TLanes.ToSingle(second), TLanes.Create(step), b), to + Width);
    }
}
