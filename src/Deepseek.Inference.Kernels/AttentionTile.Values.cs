using System.Runtime.CompilerServices;

namespace Deepseek.Inference.Kernels;

// Values of whole numbers, weighted: two positions a step, whose numbers lie side by side in a lane.
internal static unsafe partial class AttentionTile<TLanes, TSingle, TInt32, TInt16>
{
    private const int Wide = AttentionCall.WideVectors;

    /// <summary>Adds the values of positions to all rows, group by group. Columns come first, so that their sums stay in the first cache.</summary>
    private static void WeighValues(in AttentionScratch scratch, int rows, short* codes, long stride, int from, int to, float* outputs, int width)
    {
        for (nint column = 0; column < width;)
        {
            var wide = rows >= Rows && column + (Wide * Width) <= width;
            for (var group = from / GroupPositions; group * GroupPositions < to; group++)
            {
                var (first, end) = (Math.Max(group * GroupPositions, from), Math.Min((group + 1) * GroupPositions, to));
                if (wide)
                    WeighWide(scratch, rows, codes + column, stride, first, end, group, outputs + column, width);
                else
                    WeighNarrow(scratch, rows, codes + column, stride, first, end, group, outputs + column, width);
            }

            column += (wide ? Wide : 2) * Width;
        }
    }

    // A group's values in eight vectors of columns: paired once for all rows.
    private static void WeighWide(in AttentionScratch scratch, int rows, short* codes, long stride, int from, int to, int group, float* outputs, int width)
    {
        PairUp(codes, stride, from, to, scratch.Pairs);
        for (var row = 0; row < rows; row++)
            WeighPairs(scratch.Weights + ((long)row * SplitPositions), scratch.Pairs, from, to, scratch.WeightSteps[(row * AttentionCall.SplitGroups) + group], outputs + ((long)row * width));
    }

    // A group's values in two vectors of columns: paired once for four rows.
    private static void WeighNarrow(in AttentionScratch scratch, int rows, short* codes, long stride, int from, int to, int group, float* outputs, int width)
    {
        for (var row = 0; row < rows; row += Rows)
        {
            WeighCodes(scratch.Weights + ((long)row * SplitPositions), codes, stride, from, to,
                scratch.WeightSteps + (row * AttentionCall.SplitGroups) + group, outputs + ((long)row * width), width);
        }
    }

    // Puts the numbers of each two positions side by side, once for all rows. A last position without a second has a weight of 0 there.
    private static void PairUp(short* codes, long stride, int from, int to, short* pairs)
    {
        for (var p = from; p < to; p += 2)
        {
            var first = codes + (p * stride);
            var second = p + 1 < to ? first + stride : first;
            for (nint i = 0; i < Wide * Width; i += 2 * Width, pairs += 4 * Width)
            {
                var (a, b) = TLanes.Interleave(TLanes.Load(first + i), TLanes.Load(second + i));
                TLanes.Store(a, pairs);
                TLanes.Store(b, pairs + (2 * Width));
            }
        }
    }

    // Adds paired values to one row: operands in the first cache, so that they cost no instruction of their own.
    private static void WeighPairs(short* weights, short* pairs, int from, int to, float step, float* output)
    {
        TInt32 s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
        for (nint p = from; p < to; p += 2, pairs += 2 * Wide * Width)
        {
            var w = TLanes.CreatePair(weights + p);
            TLanes.MultiplyAdd(w, pairs, pairs + (2 * Width), ref s0, ref s1);
            TLanes.MultiplyAdd(w, pairs + (4 * Width), pairs + (6 * Width), ref s2, ref s3);
            TLanes.MultiplyAdd(w, pairs + (8 * Width), pairs + (10 * Width), ref s4, ref s5);
            TLanes.MultiplyAdd(w, pairs + (12 * Width), pairs + (14 * Width), ref s6, ref s7);
        }

        Join(output, s0, s1, step);
        Join(output + (2 * Width), s2, s3, step);
        Join(output + (4 * Width), s4, s5, step);
        Join(output + (6 * Width), s6, s7, step);
    }

    // Adds the values of a group of positions to 4 rows and two vectors of columns.
    private static void WeighCodes(short* w0, short* codes, long stride, int from, int to, float* steps, float* o0, long width)
    {
        var w1 = w0 + SplitPositions;
        var w2 = w1 + SplitPositions;
        var w3 = w2 + SplitPositions;
        TInt32 s00 = default, s01 = default, s10 = default, s11 = default, s20 = default, s21 = default, s30 = default, s31 = default;
        var code = codes + (from * stride);
        var pairs = to & ~1;
        for (nint p = from; ; p += 2, code += 2 * stride)
        {
            if (p >= pairs)
            {
                // A last position without a second has a weight of 0 there.
                if (p >= to)
                    break;
                (pairs, stride) = (to, 0);
            }

            var (a, b) = TLanes.Interleave(TLanes.Load(code), TLanes.Load(code + stride));
            var w = TLanes.CreatePair(w0 + p);
            TLanes.MultiplyAdd(w, a, b, ref s00, ref s01);
            w = TLanes.CreatePair(w1 + p);
            TLanes.MultiplyAdd(w, a, b, ref s10, ref s11);
            w = TLanes.CreatePair(w2 + p);
            TLanes.MultiplyAdd(w, a, b, ref s20, ref s21);
            w = TLanes.CreatePair(w3 + p);
            TLanes.MultiplyAdd(w, a, b, ref s30, ref s31);
        }

        Join(o0, s00, s01, steps[0]);
        Join(o0 + width, s10, s11, steps[AttentionCall.SplitGroups]);
        Join(o0 + (2 * width), s20, s21, steps[2 * AttentionCall.SplitGroups]);
        Join(o0 + (3 * width), s30, s31, steps[3 * AttentionCall.SplitGroups]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Join(float* to, TInt32 first, TInt32 second, float step)
    {
        var (a, b) = TLanes.InOrder(TLanes.ToSingle(first), TLanes.ToSingle(second));
        TLanes.Store(TLanes.FusedMultiplyAdd(a, TLanes.Create(step), TLanes.Load(to)), to);
        TLanes.Store(TLanes.FusedMultiplyAdd(b, TLanes.Create(step), TLanes.Load(to + Width)), to + Width);
    }
}
