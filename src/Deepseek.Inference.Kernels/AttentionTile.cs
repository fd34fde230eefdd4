using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>Attention of a block of query rows over one split of the cache, with vectors of one width.</summary>
/// <remarks>Its steps over positions are compiled each by itself, see <see cref="HotLoop"/>.</remarks>
internal sealed unsafe partial class AttentionTile<TLanes, TSingle, TInt32, TInt16> : AttentionKernel
    where TLanes : struct, ILanes<TSingle, TInt32, TInt16>
    where TSingle : struct
    where TInt32 : struct
    where TInt16 : struct
{
    private const int SplitPositions = AttentionCall.SplitPositions;
    private const int GroupPositions = AttentionCall.GroupPositions;
    private const int Rows = AttentionCall.TileRows;
    private const int Lanes = LaneSums.Lanes;
    private const int CodeRun = AttentionCall.CodeRun;
    private const int KeysAtOnce = AttentionCall.KeysAtOnce;

    private static int Width => TLanes.Count;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public override void Split(in AttentionCall call, in AttentionScratch scratch, int block, int split, in PartialResults results)
    {
        var (_, firstRow, rows) = call.Block(block);
        var (from, to) = See(call, scratch.Piece, firstRow, rows, split);
        if (from >= to)
            return;

        for (var p = from; p < to; p += GroupPositions)
            Score(call, scratch, scratch.Piece, block, split, p, to);
        Weigh(call, scratch, scratch.Piece, rows, from, to, results);
        AddValues(call, scratch, scratch.Piece, block, split, from, to, new Columns(0, call.PaddedValueWidth), results);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public override void Score(in AttentionCall call, in AttentionScratch scratch, in AttentionPiece piece, int block, int split, int position, int to)
    {
        if (call.InCodes)
            ScoreCodes(call, scratch, piece, block, split, position, to);
        else
            ScoreSingles(call, scratch, piece, block, split, position, to);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public override void Weigh(in AttentionCall call, in AttentionScratch scratch, in AttentionPiece piece, int rows, int from, int to, in PartialResults results)
    {
        if (call.InCodes)
        {
            for (var row = 0; row < rows; row += Width)
                Weigh(scratch.Lanes, piece, row, Math.Min(rows - row, Width), from, to, results.From(row));
            return;
        }

        for (var row = 0; row < rows; row++)
            Soften(piece.Scores + ((long)row * SplitPositions), piece.Visible[row], scratch.Lanes, out results.Largest[row], out results.Sums[row]);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public override void AddValues(in AttentionCall call, in AttentionScratch scratch, in AttentionPiece piece, int block, int split, int from, int to, Columns columns, in PartialResults results)
    {
        var (group, _, rows) = call.Block(block);
        if (call.InCodes)
            AddCodes(call, scratch, piece, rows, split, from, to, columns, results);
        else
            AddSingles(call, piece, group, rows, split, columns, results);
    }

    /// <inheritdoc/>
    public override void Join(float* from, PartialResult* next, int count, Columns columns, float* to)
    {
        for (nint column = columns.First; column < columns.End; column += 2 * Width)
        {
            var (a, b) = (TLanes.Load(from + column), TLanes.Load(from + column + Width));
            for (var i = 0; i < count; i++)
            {
                var (factor, nextFactor) = (TLanes.Create(next[i].Factor), TLanes.Create(next[i].NextFactor));
                var output = next[i].Output + column;
                a = TLanes.FusedMultiplyAdd(a, factor, TLanes.Multiply(TLanes.Load(output), nextFactor));
                b = TLanes.FusedMultiplyAdd(b, factor, TLanes.Multiply(TLanes.Load(output + Width), nextFactor));
            }

            TLanes.Store(a, to + column);
            TLanes.Store(b, to + column + Width);
        }
    }

    /// <inheritdoc/>
    public override void Finish(float* output, float sum, float* destination, int width)
    {
        var whole = width - (width % Width);
        for (nint i = 0; i < whole; i += Width)
            TLanes.Store(TLanes.Divide(TLanes.Load(output + i), TLanes.Create(sum)), destination + i);
        for (nint i = whole; i < width; i++)
            destination[i] = output[i] / sum;
    }

    // What each row sees of the split, and the hull of what all see, from the begin of a group on.
    private static (int From, int To) See(in AttentionCall call, in AttentionPiece piece, int firstRow, int rows, int split)
    {
        var (from, to) = (SplitPositions, 0);
        for (var row = 0; row < rows; row++)
        {
            var visible = row > 0 && call.PositionOf(firstRow + row) == call.PositionOf(firstRow + row - 1) ? piece.Visible[row - 1] : call.Visible(firstRow + row, split);
            piece.Visible[row] = visible;
            if (!visible.IsEmpty)
                (from, to) = (Math.Min(from, visible.From), Math.Max(to, visible.To));
        }

        for (var row = rows; row < AttentionCall.Padded(rows, Rows); row++)
            piece.Visible[row] = piece.Visible[rows - 1]; // so that they go with the rest
        return (from / GroupPositions * GroupPositions, to);
    }

    // Turns a row's scores into exp(score − largest), 0 where it sees nothing; over whole groups of positions. The largest may pass over a NaN: its weight makes the sum NaN.
    private static void Soften(float* scores, in VisiblePositions visible, float* lanes, out float largest, out float sum)
    {
        (largest, sum) = (0, 0);
        if (visible.IsEmpty)
            return;

        var from = visible.From / GroupPositions * GroupPositions;
        var to = AttentionCall.Padded(visible.To, GroupPositions);
        HideRow(scores, from, visible.From);
        HideRow(scores, visible.Until, visible.Again);
        HideRow(scores, visible.To, to);

        var most = TLanes.Load(scores + from);
        for (nint i = from + Width; i < to; i += Width)
            most = TLanes.Max(most, TLanes.Load(scores + i));
        largest = LargestOf(most, lanes);

        var shift = TLanes.Create(largest);
        for (nint lane = 0; lane < Lanes; lane += Width)
        {
            var total = TLanes.Create(0);
            for (var i = from + lane; i < to; i += Lanes)
            {
                var weight = TLanes.Exp(TLanes.Subtract(TLanes.Load(scores + i), shift));
                TLanes.Store(weight, scores + i);
                total = TLanes.Add(total, weight);
            }

            TLanes.Store(total, lanes + lane);
        }

        sum = LaneSums.Add(lanes);
    }

    private static void HideRow(float* scores, int from, int to) => new Span<float>(scores + from, to - from).Fill(float.NegativeInfinity);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float LargestOf(TSingle values, float* lanes)
    {
        TLanes.Store(values, lanes);
        var four = Vector128.Load(lanes);
        for (var i = Vector128<float>.Count; i < Width; i += Vector128<float>.Count)
            four = Vector128.Max(four, Vector128.Load(lanes + i));
        four = Vector128.Max(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 2, 3)));
        return MathF.Max(four.ToScalar(), four.GetElement(1));
    }
}
