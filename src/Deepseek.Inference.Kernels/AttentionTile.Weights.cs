using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// From scores of whole numbers to weights, a row a lane: what belongs to one position or group lies in the same place of every lane, and nothing is added across them.
internal sealed unsafe partial class AttentionTile<TLanes, TSingle, TInt32, TInt16>
{
    private static void Weigh(float* lanes, in AttentionPiece piece, int row, int rows, int from, int to, in PartialResults results)
    {
        var groups = stackalloc float[2 * AttentionCall.SplitGroups * Lanes];
        var groupSums = groups + (AttentionCall.SplitGroups * Lanes);
        var largest = TLanes.Load(piece.LargestScoresOf(row, from, Width));
        for (var first = from + GroupPositions; first < to; first += GroupPositions)
            largest = TLanes.Max(largest, TLanes.Load(piece.LargestScoresOf(row, first, Width)));
        new Span<float>(lanes, Lanes * Width).Clear();
        for (var first = from; first < to; first += GroupPositions)
        {
            var group = first / GroupPositions * Width;
            ScaleWeights(piece.ScoresOf(row, first, Width), largest, piece.LatentScales + first, lanes, groups + group, groupSums + group);
        }

        RoundWeights(piece, row, from, to, groups, groupSums);
        TLanes.Store(largest, groups);
        TLanes.Store(AddLanes(lanes), groupSums);
        new Span<float>(groups, rows).CopyTo(new Span<float>(results.Largest, rows));
        new Span<float>(groupSums, rows).CopyTo(new Span<float>(results.Sums, rows));
    }

    // Hides what rows do not see of a group, and finds their largest scores. A NaN may be passed over: its weight makes the sum NaN.
    private static void SeeLargest(in AttentionPiece piece, int row, int rows, int first)
    {
        var scores = piece.ScoresOf(row, first, Width);
        for (var lane = 0; lane < rows; lane++)
        {
            ref readonly var visible = ref piece.Visible[row + lane];
            Hide(scores + lane, 0, visible.From - first);
            Hide(scores + lane, visible.Until - first, visible.Again - first);
            Hide(scores + lane, visible.To - first, GroupPositions);
        }

        var (a, b) = (TLanes.Load(scores), TLanes.Load(scores + Width));
        for (var p = 2; p < GroupPositions; p += 2)
            (a, b) = (TLanes.Max(a, TLanes.Load(scores + (p * Width))), TLanes.Max(b, TLanes.Load(scores + ((p + 1) * Width))));
        TLanes.Store(TLanes.Max(a, b), piece.LargestScoresOf(row, first, Width));
    }

    private static void Hide(float* scores, int from, int to)
    {
        for (var p = Math.Max(from, 0); p < Math.Min(to, GroupPositions); p++)
            scores[p * Width] = float.NegativeInfinity;
    }

    // A group's weights, which join the lanes of their sums, and then are scaled: the largest of them, and their sum.
    private static void ScaleWeights(float* scores, TSingle shift, float* scales, float* lanes, float* largest, float* sum)
    {
        var most = TLanes.Create(0);
        var halves = lanes + (Lanes * Width);
        for (var lane = 0; lane < Lanes; lane++, scores += Width, lanes += Width)
        {
            var upper = scores + (Lanes * Width);
            var (low, high) = (TLanes.Exp(TLanes.Subtract(TLanes.Load(scores), shift)), TLanes.Exp(TLanes.Subtract(TLanes.Load(upper), shift)));
            TLanes.Store(TLanes.Add(TLanes.Add(TLanes.Load(lanes), low), high), lanes);
            low = Scaled(low, scales[lane]);
            high = Scaled(high, scales[lane + Lanes]);
            TLanes.Store(low, scores);
            TLanes.Store(high, upper);
            TLanes.Store(TLanes.Add(low, high), halves + (lane * Width));
            most = TLanes.MaxMagnitude(TLanes.MaxMagnitude(most, low), high);
        }

        TLanes.Store(most, largest);
        TLanes.Store(AddLanes(halves), sum);
    }

    // A weight of 0 stays 0: where nothing is seen there need be no row, or one that is not finite.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TSingle Scaled(TSingle weight, float scale) => TLanes.ZeroWhereZero(weight, TLanes.Multiply(weight, TLanes.Create(scale)));

    // Rounds a row's weights, group by group. Where all are 0 the step is one that leaves every sum as it is: x + 0 · −0 = x, for x = −0 too.
    // An infinite step has codes of 0, for ∞ · 0 is the processor's NaN, whose last bits are 0; where the step is NaN codes may be anything.
    private static void RoundWeights(in AttentionPiece piece, int row, int from, int to, float* largest, float* sums)
    {
        var steps = piece.WeightStepsOf(row, 0, Width);
        for (var i = 0; i < AttentionCall.SplitGroups * Width; i += Vector256<float>.Count)
        {
            // All groups' at once: what was not computed just now is whatever was there, and is not used.
            var (step, inverse) = CodeSteps.Of(Vector256.Load(largest + i), Vector256.Load(sums + i));
            Vector256.ConditionalSelect(Vector256.Equals(step, Vector256<float>.Zero), Vector256.Create(-0f), step).Store(steps + i);
            inverse.Store(largest + i);
        }

        for (var first = from; first < to; first += GroupPositions)
        {
            var inverse = TLanes.Load(largest + (first / GroupPositions * Width));
            var weights = piece.ScoresOf(row, first, Width);
            var codes = piece.WeightsOf(row, first, Width);
            for (var p = 0; p < GroupPositions; p += 2, weights += 2 * Width, codes += 2 * Width)
                TLanes.StoreRoundedPairs(TLanes.Multiply(TLanes.Load(weights), inverse), TLanes.Multiply(TLanes.Load(weights + Width), inverse), codes);
        }
    }

    // Adds lanes l and l + 8, then l + 4, l + 2 and l + 1, each a vector.
    private static TSingle AddLanes(float* lanes) => TLanes.Add(TLanes.Add(Quarter(lanes), Quarter(lanes + (2 * Width))), TLanes.Add(Quarter(lanes + Width), Quarter(lanes + (3 * Width))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TSingle Quarter(float* lanes) =>
        TLanes.Add(TLanes.Add(TLanes.Load(lanes), TLanes.Load(lanes + (8 * Width))), TLanes.Add(TLanes.Load(lanes + (4 * Width)), TLanes.Load(lanes + (12 * Width))));
}
