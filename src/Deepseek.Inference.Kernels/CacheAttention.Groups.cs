namespace Deepseek.Inference.Kernels;

// One token. Workers take whole splits, as many as come out even among them; of what is left, which may be all, groups of positions are scored, then columns of values weighted. Each number is computed as where a
// worker takes a whole split.
internal sealed unsafe partial class CacheAttention
{
    // Blocks with whole splits, for a thread, from which on partial results are joined row by row.
    private const int SplitsPerThread = 2;

    // What is left after whole splits for all workers, as a part of one more for all, up to which it is shared by groups: by these it takes longer.
    private const double MostOfRound = 0.625;

    // Items of columns for a thread, if there are as many.
    private const int ColumnItemsPerThread = 4;

    /// <summary>Whether workers share groups of a call's positions. One group there is nothing to share of; and copies of floats are so large that the one who weighs them finds them too far away.</summary>
    internal static bool SharesGroups(in AttentionCall call, int threads) =>
        call.Tokens == 1 && (call.InCodes || !call.CopiesSingles) && call.Positions > AttentionCall.GroupPositions && threads > 1
        && (WholeSplits(call, threads) < call.Splits || (long)call.Blocks * call.Splits < (long)SplitsPerThread * threads) && AttentionPieces.ResultBytes(call) <= PartialBytes;

    /// <summary>Splits of every block that workers take whole: as many as come out even among them, or all where the rest nearly does.</summary>
    internal static int WholeSplits(in AttentionCall call, int threads)
    {
        var even = (int)((long)call.Blocks * (call.Positions / AttentionCall.SplitPositions) / threads * threads / call.Blocks);
        var rest = (long)call.Blocks * (call.Positions - (even * AttentionCall.SplitPositions));
        return rest > MostOfRound * threads * AttentionCall.SplitPositions ? call.Splits : even;
    }

    private void RunGroups(ThreadTeam team)
    {
        ReserveWorkers(team.Threads, new ReadOnlySpan<AttentionCall>(in _call));
        _pieces.Begin(_call, WholeSplits(_call, team.Threads), _partials);
        _scores.Threads = team.Threads;
        team.Run(_call.Blocks * (_pieces.Whole + _pieces.Groups), _scores);
        var steps = _call.PaddedValueWidth / AttentionCall.ColumnStep;
        var stepsOfItem = Math.Clamp(_call.Blocks * steps / (ColumnItemsPerThread * team.Threads), 1, steps);
        _columns.Width = stepsOfItem * AttentionCall.ColumnStep;
        team.Run(_call.Blocks * (int)Lengths.CeilDiv(steps, stepsOfItem), _columns);
    }

    /// <summary>An item is a block with a whole split, or with a group of positions. Who scores the last group of a split weighs it, and who is done with the last split of a block joins what its rows have.</summary>
    private sealed class ScoreWork(CacheAttention attention) : TeamWork
    {
        public int Threads;

        public override void Run(int item, int worker)
        {
            ref readonly var call = ref attention._call;
            var pieces = attention._pieces;

            // Workers come from either end: groups, which are shorter, lie between whole splits, so that all end together.
            var (whole, groups) = (call.Blocks * pieces.Whole, call.Blocks * pieces.Groups);
            var before = whole * ((Threads + 1) / 2) / Threads; // as many of the workers begin there
            if (item < before || item >= before + groups)
            {
                var (block, split) = Math.DivRem(item < before ? item : item - groups, pieces.Whole);
                AttentionKernel.Of(attention._path, call).Split(call, attention.ScratchOf(call, worker), block, split, pieces.Results(call, block, split));
                End(call, block);
                return;
            }

            Score(call, item - before, worker);
        }

        private void Score(in AttentionCall call, int item, int worker)
        {
            var pieces = attention._pieces;
            var kernel = AttentionKernel.Of(attention._path, call);
            var scratch = attention.ScratchOf(call, worker);
            var (block, index) = Math.DivRem(item, pieces.Groups);
            var (inRest, inSplit) = Math.DivRem(index, AttentionCall.SplitGroups);
            var split = pieces.Whole + inRest;
            var piece = pieces.Piece(call, block, split);
            var (from, to) = piece.Seen;
            var position = inSplit * AttentionCall.GroupPositions;
            if (position >= from && position < to)
                kernel.Score(call, scratch, piece, block, split, position, to);
            if (!pieces.EndsSplit(call, block, split))
                return;

            if (from < to)
                kernel.Weigh(call, scratch, piece, call.Block(block).Rows, from, to, pieces.Results(call, block, split));
            End(call, block);
        }

        private void End(in AttentionCall call, int block)
        {
            if (attention._pieces.EndsBlock(call, block))
                attention._pieces.JoinRows(call, block);
        }
    }

    /// <summary>An item is a block with some columns of its outputs.</summary>
    private sealed class ColumnWork(CacheAttention attention) : TeamWork
    {
        public int Width; // columns of an item

        public override void Run(int item, int worker)
        {
            ref readonly var call = ref attention._call;
            var pieces = attention._pieces;
            var kernel = AttentionKernel.Of(attention._path, call);
            var scratch = attention.ScratchOf(call, worker);
            var (block, index) = Math.DivRem(item, (int)Lengths.CeilDiv(call.PaddedValueWidth, Width));
            var columns = new Columns(index * Width, Math.Min((index + 1) * Width, call.PaddedValueWidth));
            var (group, firstRow, rows) = call.Block(block);
            for (var split = pieces.Whole; split < call.Splits; split++)
            {
                var piece = pieces.Piece(call, block, split);
                var (from, to) = piece.Seen;
                if (from < to)
                    kernel.AddValues(call, scratch, piece, block, split, from, to, columns, pieces.Results(call, block, split));
            }

            var width = Math.Min(columns.End, call.Shape.ValueWidth) - columns.First;
            for (var row = 0; row < rows; row++)
            {
                var first = pieces.Row(call, block, row);
                kernel.Join(first->Output, first + 1, pieces.SeenSplits - 1, columns, first->Output);
                kernel.Finish(first->Output + columns.First, first->Sum, call.Output(group, firstRow + row) + columns.First, width);
            }
        }
    }
}
