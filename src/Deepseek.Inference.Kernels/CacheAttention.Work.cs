namespace Deepseek.Inference.Kernels;

// What a worker takes.
internal sealed unsafe partial class CacheAttention
{
    // There is room already.
    private AttentionScratch ScratchOf(in AttentionCall call, int worker) => AttentionScratch.At(call, _workers[worker].Reserve(0));

    /// <summary>An item is a block with all its splits. A sequence's last blocks see most. Workers come from either end: the longest lie there, and the shortest, with which all end together, in the middle.</summary>
    private sealed class BlockWork(CacheAttention attention) : TeamWork
    {
        public int Count; // blocks of all calls

        public override void Run(int item, int worker)
        {
            var rank = 2 * item < Count ? 2 * item : (2 * (Count - 1 - item)) + 1;
            var index = attention._count - 1; // none is before the first of those that are shared out
            while (attention._calls[index].FirstBlock > rank)
                index--;

            ref readonly var call = ref attention._calls[index];
            var kernel = AttentionKernel.Of(attention._path, call);
            var scratch = attention.ScratchOf(call, worker);
            var block = call.FirstBlock + call.Blocks - 1 - rank;
            var (group, firstRow, rows) = call.Block(block);
            var (soFar, part) = (scratch.SoFar, scratch.Part);
            new Span<float>(soFar.Sums, rows).Clear();
            for (var seen = 0; seen < call.SeenSplits; seen++)
            {
                kernel.Split(call, scratch, block, call.SplitAt(seen), part);
                for (var row = 0; row < rows; row++)
                {
                    var next = part[row];
                    if (!scratch.Piece.Visible[row].IsEmpty)
                        soFar.Join(kernel, row, &next, 1, call.PaddedValueWidth);
                }
            }

            for (var row = 0; row < rows; row++)
                kernel.Finish(soFar.Output(row), soFar.Sums[row], call.Output(group, firstRow + row), call.Shape.ValueWidth);
        }
    }

    /// <summary>An item is a block with one split.</summary>
    private sealed class SplitWork(CacheAttention attention) : TeamWork
    {
        public int First; // split of the wave, of those that are seen

        public int Count; // splits of the wave

        public float* Parts; // partial results, split by split

        public override void Run(int item, int worker)
        {
            ref readonly var call = ref attention._call;
            var (block, index) = Math.DivRem(item, Count); // a worker takes neighbours, which share their queries
            var (rows, stride) = (call.Blocks * call.BlockRows, call.PartialStride);
            var part = PartialResults.At(Parts, index, rows, stride);
            AttentionKernel.Of(attention._path, call).Split(call, attention.ScratchOf(call, worker), block, call.SplitAt(First + index), part.From(block * call.BlockRows));
        }
    }

    /// <summary>An item is some rows of a block, with all splits of the wave.</summary>
    private sealed class MergeWork(CacheAttention attention) : TeamWork
    {
        public int First; // split of the wave

        public int Count; // splits of the wave

        public int Rows; // of all blocks, filled up

        public float* Parts; // partial results, split by split

        public PartialResults State; // of the waves before

        public override void Run(int item, int worker)
        {
            ref readonly var call = ref attention._call;
            var kernel = AttentionKernel.Of(attention._path);
            var parts = stackalloc PartialResult[Count];
            for (var at = item * AttentionCall.TileRows; at < (item + 1) * AttentionCall.TileRows; at++)
            {
                var (block, inBlock) = Math.DivRem(at, call.BlockRows);
                var (group, firstRow, rows) = call.Block(block);
                if (inBlock >= rows)
                    return;

                var row = firstRow + inBlock;
                var seen = 0;
                for (var index = 0; index < Count; index++)
                {
                    if (!call.Visible(row, call.SplitAt(First + index)).IsEmpty)
                        parts[seen++] = PartialResults.At(Parts, index, Rows, call.PartialStride)[at];
                }

                State.Join(kernel, at, parts, seen, call.PaddedValueWidth);
                if (First + Count == call.SeenSplits)
                    kernel.Finish(State.Output(at), State.Sums[at], call.Output(group, row), call.Shape.ValueWidth);
            }
        }
    }

    /// <summary>An item is a query row, by the definition.</summary>
    private sealed class ScalarWork(CacheAttention attention) : TeamWork
    {
        public override void Run(int item, int worker)
        {
            var (group, row) = Math.DivRem(item, attention._call.GroupRows);
            ScalarAttention.Run(attention._call, group, row);
        }
    }
}
