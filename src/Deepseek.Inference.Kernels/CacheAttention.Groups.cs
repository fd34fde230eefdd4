namespace Deepseek.Inference.Kernels;

// One token. Workers take whole splits, as many as come out even among them; of what is left, which may be all, groups of positions are scored, then columns of values weighted. Each number is computed as where a
// worker takes a whole split.
internal sealed unsafe partial class CacheAttention
{
    // Blocks with splits, for a thread, that are enough to share out.
    private const int SplitsPerThread = 2;

    // By groups, positions take up to 1.6 times as long as in whole splits: so more than this part of what all workers compute in one split each is faster whole.
    private const double MostOfRound = 1 / 1.6;

    // Items of columns for a thread, if there are as many.
    private const int ColumnItemsPerThread = 4;

    /// <summary>
    /// Whether workers share groups of a call's positions, or join what came of whole splits column by column. One group there is nothing to share of; copies of floats are so large that the one who weighs them
    /// finds them too far away; and results of all splits must find room.
    /// </summary>
    internal static bool SharesGroups(in AttentionCall call, int threads) =>
        call.Tokens == 1 && (call.InCodes || !call.CopiesSingles) && call.Positions > AttentionCall.GroupPositions && threads > 1
        && (WholeSplits(call, threads) < call.SeenSplits || HasFewSplits(call, threads)) && AttentionPieces.ResultBytes(call) <= PartialBytes;

    /// <summary>Splits of every block, of those that are seen, that workers take whole: as many as come out even, or all where what is left is most of one for each worker.</summary>
    internal static int WholeSplits(in AttentionCall call, int threads)
    {
        const int splitPositions = AttentionCall.SplitPositions;
        var seen = call.SeenSplits;
        var full = call.LastPositions == splitPositions ? seen : seen - 1;
        var even = (int)((long)call.Blocks * full / threads * threads / call.Blocks);
        var left = call.Blocks * (((seen - even - 1L) * splitPositions) + call.LastPositions);
        return left > MostOfRound * threads * splitPositions ? seen : even;
    }

    private static bool HasFewSplits(in AttentionCall call, int threads) => (long)call.Blocks * call.SeenSplits < (long)SplitsPerThread * threads;

    private void RunGroups(ThreadTeam team)
    {
        ReserveWorkers(team.Threads, new ReadOnlySpan<AttentionCall>(in _call));
        _pieces.Begin(_call, WholeSplits(_call, team.Threads), _partials);
        var (whole, groups) = (_call.Blocks * _pieces.Whole, _call.Blocks * _pieces.Groups);
        (_scores.Before, _scores.Groups) = (whole * team.FrontWorkers / team.Threads, groups);
        team.Run(whole + groups, _scores);
        var steps = _call.PaddedValueWidth / AttentionCall.ColumnStep;
        var stepsOfItem = Math.Clamp(_call.Blocks * steps / (ColumnItemsPerThread * team.Threads), 1, steps);
        _columns.Width = stepsOfItem * AttentionCall.ColumnStep;
        team.Run(_call.Blocks * (int)Lengths.CeilDiv(steps, stepsOfItem), _columns);
    }

    /// <summary>An item is a block with a whole split, or with a group of positions. Who scores the last group of a split weighs it, and who is done with the last split of a block joins what its rows have.</summary>
    private sealed class ScoreWork(CacheAttention attention) : TeamWork
    {
        public int Before; // items with whole splits before those with groups: workers come from either end, and with the shorter items in the middle all end together

        public int Groups; // items with groups

        public override void Run(int item, int worker)
        {
            ref readonly var call = ref attention._call;
            if (item >= Before && item < Before + Groups)
                Score(call, item - Before, worker);
            else
                Split(call, item < Before ? item : item - Groups, worker);
        }

        private void Split(in AttentionCall call, int item, int worker)
        {
            var pieces = attention._pieces;
            var (block, seen) = Math.DivRem(item, pieces.Whole);
            AttentionKernel.Of(attention._path, call).Split(call, attention.ScratchOf(call, worker), block, call.SplitAt(seen), pieces.Results(call, block, seen));
            End(call, block);
        }

        private void Score(in AttentionCall call, int item, int worker)
        {
            var pieces = attention._pieces;
            var kernel = AttentionKernel.Of(attention._path, call);
            var scratch = attention.ScratchOf(call, worker);
            var (block, index) = Math.DivRem(item, pieces.Groups);
            var (behindWhole, inSplit) = Math.DivRem(index, AttentionCall.SplitGroups);
            var seen = pieces.Whole + behindWhole;
            var split = call.SplitAt(seen);
            var piece = pieces.Piece(call, block, seen);
            var (from, to) = piece.Seen;
            var position = inSplit * AttentionCall.GroupPositions;
            if (position >= from && position < to)
                kernel.Score(call, scratch, piece, block, split, position, to);
            if (!pieces.EndsSplit(call, block, seen))
                return;

            kernel.Weigh(call, scratch, piece, call.Block(block).Rows, from, to, pieces.Results(call, block, seen));
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
            for (var seen = pieces.Whole; seen < call.SeenSplits; seen++)
            {
                var piece = pieces.Piece(call, block, seen);
                var (from, to) = piece.Seen;
                kernel.AddValues(call, scratch, piece, block, call.SplitAt(seen), from, to, columns, pieces.Results(call, block, seen));
            }

            var width = Math.Min(columns.End, call.Shape.ValueWidth) - columns.First;
            for (var row = 0; row < rows; row++)
            {
                var first = pieces.Row(call, block, row);
                kernel.Join(first->Output, first + 1, call.SeenSplits - 1, columns, first->Output);
                kernel.Finish(first->Output + columns.First, first->Sum, call.Output(group, firstRow + row) + columns.First, width);
            }
        }
    }
}
