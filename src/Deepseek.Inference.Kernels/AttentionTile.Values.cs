using System.Runtime.CompilerServices;

namespace Deepseek.Inference.Kernels;

// Values of whole numbers, weighted: two positions a step, whose numbers lie side by side in a lane.
internal sealed unsafe partial class AttentionTile<TLanes, TSingle, TInt32, TInt16>
{
    // In machine code as many rows and groups as can be; the others two vectors of columns after the other, group by group, whose sums stay in the first cache.
    private static void AddCodes(in AttentionCall call, in AttentionScratch scratch, in AttentionPiece piece, int rows, int split, int from, int to, Columns columns, in PartialResults results)
    {
        var (step, stride) = ((long)call.PartialStride, call.CodeStride);
        var values = piece.CodesOf(call, split);
        var whole = to / GroupPositions * GroupPositions;
        var rowsInCode = Width == VnniScoreCode.Lanes && call.Vnni && from < whole ? VnniAttention.Weigh(piece, rows, from, whole, values, stride, columns, results.Output(0), step) : 0;
        for (nint column = columns.First; column < columns.End; column += 2 * Width)
        {
            var outputs = results.Output(0) + column;
            for (var first = rowsInCode < rows ? from : whole; first < to; first += GroupPositions)
            {
                var end = Math.Min(first + GroupPositions, to);
                PairUp(values + column, stride, first, end, scratch.Pairs);
                for (var row = first < whole ? rowsInCode : 0; row < rows; row += Rows)
                    WeighCodes(piece.WeightsOf(row, first, Width), scratch.Pairs, end - first, piece.WeightStepsOf(row, first, Width), outputs + (row * step), step, first == from);
            }
        }
    }

    // Puts the numbers of each two positions side by side, once for all rows. A last position without a second has a weight of 0 there.
    private static void PairUp(short* codes, long stride, int from, int to, short* pairs)
    {
        for (var p = from; p < to; p += 2, pairs += 4 * Width)
        {
            var first = codes + (p * stride);
            var (a, b) = TLanes.Interleave(TLanes.Load(first), TLanes.Load(p + 1 < to ? first + stride : first));
            TLanes.Store(a, pairs);
            TLanes.Store(b, pairs + (2 * Width));
        }
    }

    // Adds a group's paired values to 4 rows; their sums begin with the first group.
    [MethodImpl(HotLoop.Options)]
    private static void WeighCodes(short* weights, short* pairs, int positions, float* steps, float* o0, long step, bool begins)
    {
        TInt32 s00 = default, s01 = default, s10 = default, s11 = default, s20 = default, s21 = default, s30 = default, s31 = default;
        var p = 0;
        for (; p + 2 < positions; p += 4, pairs += 8 * Width, weights += 4 * Width)
        {
            AddPositions(weights, pairs, ref s00, ref s01, ref s10, ref s11, ref s20, ref s21, ref s30, ref s31);
            AddPositions(weights + (2 * Width), pairs + (4 * Width), ref s00, ref s01, ref s10, ref s11, ref s20, ref s21, ref s30, ref s31);
        }

        if (p < positions)
            AddPositions(weights, pairs, ref s00, ref s01, ref s10, ref s11, ref s20, ref s21, ref s30, ref s31);
        Join(o0, s00, s01, steps[0], begins);
        Join(o0 + step, s10, s11, steps[1], begins);
        Join(o0 + (2 * step), s20, s21, steps[2], begins);
        Join(o0 + (3 * step), s30, s31, steps[3], begins);
    }

    // Two positions' values, with the weights of four rows.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddPositions(
        short* weights, short* pairs, ref TInt32 s00, ref TInt32 s01, ref TInt32 s10, ref TInt32 s11, ref TInt32 s20, ref TInt32 s21, ref TInt32 s30, ref TInt32 s31)
    {
        var (a, b) = (TLanes.Load(pairs), TLanes.Load(pairs + (2 * Width)));
        TLanes.MultiplyAdd(TLanes.CreatePair(weights), a, b, ref s00, ref s01);
        TLanes.MultiplyAdd(TLanes.CreatePair(weights + 2), a, b, ref s10, ref s11);
        TLanes.MultiplyAdd(TLanes.CreatePair(weights + 4), a, b, ref s20, ref s21);
        TLanes.MultiplyAdd(TLanes.CreatePair(weights + 6), a, b, ref s30, ref s31);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Join(float* to, TInt32 first, TInt32 second, float step, bool begins)
    {
        var (a, b) = begins ? (TLanes.Create(0), TLanes.Create(0)) : (TLanes.Load(to), TLanes.Load(to + Width));
        TLanes.Store(TLanes.FusedMultiplyAdd(TLanes.ToSingle(first), TLanes.Create(step), a), to);
        TLanes.Store(TLanes.FusedMultiplyAdd(TLanes.ToSingle(second), TLanes.Create(step), b), to + Width);
    }
}
