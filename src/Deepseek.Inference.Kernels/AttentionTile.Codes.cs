using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// Cached rows of whole numbers: products and their sums are exact, factors are joined in single precision.
internal static unsafe partial class AttentionTile<TLanes, TSingle, TInt32, TInt16>
{
    private static void SplitOfCodes(in AttentionCall call, in AttentionScratch scratch, int block, int split, int from, int to, float* largest, float* sums, float* outputs)
    {
        var (group, firstRow, rows) = call.Block(block);
        PrepareCodes(call, scratch, block, group, firstRow, rows);
        var start = (long)split * SplitPositions;
        var codes = (short*)call.Cache.At(start, 0);
        var stride = call.Cache.Stride;
        if (scratch.CopiesRows)
        {
            for (var p = from; p < to; p++)
                CopyCodes(call, scratch, start + p, scratch.Codes + ((long)p * scratch.QueryWidth));
            codes = scratch.Codes;
            stride = scratch.QueryWidth;
        }

        var scales = call.Cache.Scales + (2 * start);
        for (var p = 0; p < SplitPositions; p++)
            (scratch.LatentScales[p], scratch.RopeScales[p]) = p >= from && p < to ? (scales[2 * p], scales[(2 * p) + 1]) : (0, 0);

        for (var p = from; p < to; p += KeyBlock)
        {
            for (var i = p + KeyBlock; i < Math.Min(p + (2 * KeyBlock), to); i++)
                Fetch(codes + (i * stride), scratch.QueryWidth);
            for (var row = 0; row < rows; row += Rows)
            {
                for (var i = p; i < Math.Min(p + KeyBlock, to); i += 2)
                    ScoreCodes(scratch, row, i, codes + (i * stride), i + 1 < to ? stride : 0);
            }
        }

        var firstGroup = from / GroupPositions * GroupPositions;
        for (var row = 0; row < AttentionCall.Padded(rows, Rows); row++)
        {
            var visible = scratch.Visible[row];
            if (!visible.IsEmpty)
                Soften(scratch.Scores + ((long)row * SplitPositions), visible, scratch.Lanes, out largest[row], out sums[row]);
            for (var first = firstGroup; first < to; first += GroupPositions)
                RoundWeights(scratch, row, first, visible);
        }

        var width = call.PaddedValueWidth;
        NativeMemory.Clear(outputs, (nuint)AttentionCall.Padded(rows, Rows) * (nuint)width * sizeof(float));
        WeighValues(scratch, rows, codes, stride, from, to, outputs, width);
    }

    // Asks for a row that the next block of keys needs.
    private static void Fetch(short* row, int width)
    {
        const int Line = BandLayout.LineBytes / sizeof(short);
        for (nint i = 0; Sse.IsSupported && i < width; i += Line)
            Sse.Prefetch0(row + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScoreCodes(in AttentionScratch scratch, int row, int position, short* key, long next)
    {
        var queries = scratch.QueryCodes + ((long)row * scratch.QueryWidth);
        var ropeLanes = scratch.Lanes + (LaneSums.Sums * Lanes);
        DotCodes(queries, scratch.QueryWidth, key, key + next, 0, scratch.LatentWidth, scratch.Lanes);
        DotCodes(queries, scratch.QueryWidth, key, key + next, scratch.LatentWidth, scratch.QueryWidth, ropeLanes);

        // Factors of rows 0, 0, 1, 1, 2, 2, 3, 3 and positions 0, 1, 0, 1, …
        var steps = Vector256.Load(scratch.QuerySteps + (2 * row));
        var latent = Pairs(scratch.LatentScales + position) * Vector256.Shuffle(steps, Vector256.Create(0, 0, 2, 2, 4, 4, 6, 6));
        var rope = Pairs(scratch.RopeScales + position) * Vector256.Shuffle(steps, Vector256.Create(1, 1, 3, 3, 5, 5, 7, 7));
        var score = Vector256.FusedMultiplyAdd(LaneSums.Add8(scratch.Lanes), latent, LaneSums.Add8(ropeLanes) * rope);
        StoreScores(score, scratch.Scores + ((long)row * SplitPositions) + position);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Pairs(float* scales) => Vector256.Create(Unsafe.ReadUnaligned<long>(scales)).AsSingle();

    // The products of 4 queries with 2 keys from an element to another, lane by lane: lane l adds elements 2l and 2l + 1 of every 32. Two
    // steps a turn, since the loop's own instructions count.
    private static void DotCodes(short* q0, nint stride, short* k0, short* k1, nint from, nint to, float* lanes)
    {
        var q1 = q0 + stride;
        var q2 = q1 + stride;
        var q3 = q2 + stride;
        for (nint lane = 0; lane < Lanes; lane += Width)
        {
            TInt32 s00 = default, s01 = default, s10 = default, s11 = default, s20 = default, s21 = default, s30 = default, s31 = default;
            for (var i = from + (2 * lane); i < to; i += CodeStep)
            {
                var (a, b) = (TLanes.Load(k0 + i), TLanes.Load(k1 + i));
                var q = TLanes.Load(q0 + i);
                TLanes.MultiplyAdd(q, a, b, ref s00, ref s01);
                q = TLanes.Load(q1 + i);
                TLanes.MultiplyAdd(q, a, b, ref s10, ref s11);
                q = TLanes.Load(q2 + i);
                TLanes.MultiplyAdd(q, a, b, ref s20, ref s21);
                q = TLanes.Load(q3 + i);
                TLanes.MultiplyAdd(q, a, b, ref s30, ref s31);

                (a, b) = (TLanes.Load(k0 + i + (2 * Lanes)), TLanes.Load(k1 + i + (2 * Lanes)));
                q = TLanes.Load(q0 + i + (2 * Lanes));
                TLanes.MultiplyAdd(q, a, b, ref s00, ref s01);
                q = TLanes.Load(q1 + i + (2 * Lanes));
                TLanes.MultiplyAdd(q, a, b, ref s10, ref s11);
                q = TLanes.Load(q2 + i + (2 * Lanes));
                TLanes.MultiplyAdd(q, a, b, ref s20, ref s21);
                q = TLanes.Load(q3 + i + (2 * Lanes));
                TLanes.MultiplyAdd(q, a, b, ref s30, ref s31);
            }

            StoreLanes(lanes + lane, TLanes.ToSingle(s00), TLanes.ToSingle(s01), TLanes.ToSingle(s10), TLanes.ToSingle(s11),
                TLanes.ToSingle(s20), TLanes.ToSingle(s21), TLanes.ToSingle(s30), TLanes.ToSingle(s31));
        }
    }
}
