namespace Deepseek.Inference.Kernels;

// One token, and splits that are too few for all workers: groups of positions are scored first, then columns of values weighted. Each number is computed as where a worker takes a whole split.
internal sealed unsafe partial class CacheAttention
{
    // Blocks with splits, for a thread, from which on whole ones are shared out.
    private const int SplitsPerThread = 2;

    // Items of columns for a thread, if there are as many.
    private const int ColumnItemsPerThread = 4;

    /// <summary>Whether workers share groups of a call's positions. One group there is nothing to share of; and copies of floats are so large that the one who weighs them finds them too far away.</summary>
    internal static bool SharesGroups(in AttentionCall call, int threads) =>
        call.Tokens == 1 && (call.InCodes || !call.CopiesSingles) && call.Positions > AttentionCall.GroupPositions && threads > 1 && (long)call.Blocks * call.Splits < (long)SplitsPerThread * threads;

    private void RunGroups(ThreadTeam team)
    {
        ReserveWorkers(team.Threads, new ReadOnlySpan<AttentionCall>(in _call));
        _pieces.Begin(_call, _partials);
        team.Run(_call.Blocks * _pieces.Groups, _scores);
        var steps = _call.PaddedValueWidth / AttentionCall.ColumnStep;
        var stepsOfItem = Math.Clamp(_call.Blocks * steps / (ColumnItemsPerThread * team.Threads), 1, steps);
        _columns.Width = stepsOfItem * AttentionCall.ColumnStep;
        team.Run(_call.Blocks * (int)Lengths.CeilDiv(steps, stepsOfItem), _columns);
    }

    /// <summary>An item is a block with a group of positions. Who scores the last group of a split weighs it, and who weighs the last split of a block joins what its rows have.</summary>
    private sealed class ScoreWork(CacheAttention attention) : TeamWork
    {
        public override void Run(int item, int worker)
        {
            ref readonly var call = ref attention._call;
            var pieces = attention._pieces;
            var kernel = AttentionKernel.Of(attention._path, call);
            var scratch = attention.ScratchOf(call, worker);
            var (block, index) = Math.DivRem(item, pieces.Groups);
            var (split, inSplit) = Math.DivRem(index, AttentionCall.SplitGroups);
            var piece = pieces.Piece(call, block, split);
            var (from, to) = piece.Seen;
            var position = inSplit * AttentionCall.GroupPositions;
            if (position >= from && position < to)
                kernel.Score(call, scratch, piece, block, split, position, to);
            if (!pieces.EndsSplit(call, block, split))
                return;

            if (from < to)
                kernel.Weigh(call, scratch, piece, call.Block(block).Rows, from, to, pieces.Results(call, block, split));
            if (pieces.EndsBlock(call, block))
                pieces.JoinRows(call, block);
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
            for (var split = 0; split < call.Splits; split++)
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
