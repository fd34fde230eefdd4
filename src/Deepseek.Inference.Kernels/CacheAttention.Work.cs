namespace Deepseek.Inference.Kernels;

// What a worker takes.
internal sealed unsafe partial class CacheAttention
{
    // Partial results of all rows, over some of the positions: [rows], [rows] and [rows, stride].
    private readonly struct Partials(float* start, int rows, int stride)
    {
        /// <summary>Those of one of several parts that follow one another.</summary>
        public static Partials At(float* parts, int index, int rows, int stride) => new(parts + (index * LengthOf(rows, stride)), rows, stride);

        public static long LengthOf(int rows, int stride) => rows * (long)(stride + 2);

        public float* Outputs { get; } = start;

        public float* Largest { get; } = start + ((long)rows * stride);

        public float* Sums { get; } = start + ((long)rows * stride) + rows;

        public PartialResult this[int row] => new(Largest[row], Sums[row], Outputs + ((long)row * stride));
    }

    // There is room already.
    private AttentionScratch ScratchOf(in AttentionCall call, int worker) => AttentionScratch.At(call, _workers[worker].Reserve(0));

    /// <summary>An item is a block with all its splits. A sequence's last blocks see most, so they come first.</summary>
    private sealed class BlockWork(CacheAttention attention) : TeamWork
    {
        public override void Run(int item, int worker)
        {
            var index = attention._count - 1; // none is before the first of those that are shared out
            while (attention._calls[index].FirstBlock > item)
                index--;

            ref readonly var call = ref attention._calls[index];
            var path = attention._path;
            var scratch = attention.ScratchOf(call, worker);
            var (width, stride) = (call.PaddedValueWidth, call.PartialStride);
            var block = call.FirstBlock + call.Blocks - 1 - item;
            var (group, firstRow, rows) = call.Block(block);
            new Span<float>(scratch.Sums, rows).Clear();
            for (var split = 0; split < call.Splits; split++)
            {
                AttentionKernels.Split(path, call, scratch, block, split, scratch.PartLargest, scratch.PartSums, scratch.PartOutputs);
                for (var row = 0; row < rows; row++)
                {
                    if (scratch.Visible[row].IsEmpty)
                        continue;

                    var soFar = new PartialResult(scratch.Largest[row], scratch.Sums[row], scratch.Outputs + ((long)row * stride));
                    var next = new PartialResult(scratch.PartLargest[row], scratch.PartSums[row], scratch.PartOutputs + ((long)row * stride));
                    AttentionKernels.Merge(path, ref soFar, &next, 1, width);
                    (scratch.Largest[row], scratch.Sums[row]) = (soFar.Largest, soFar.Sum);
                }
            }

            for (var row = 0; row < rows; row++)
                AttentionKernels.Finish(path, scratch.Outputs + ((long)row * stride), scratch.Sums[row], call.Output(group, firstRow + row), call.Shape.ValueWidth);
        }
    }

    /// <summary>An item is a block with one split.</summary>
    private sealed class SplitWork(CacheAttention attention) : TeamWork
    {
        public int First; // split of the wave

        public int Count; // splits of the wave

        public float* Parts; // partial results, split by split

        public override void Run(int item, int worker)
        {
            ref readonly var call = ref attention._call;
            var (block, index) = Math.DivRem(item, Count); // a worker takes neighbours, which share their queries
            var (rows, stride) = (call.Blocks * call.BlockRows, call.PartialStride);
            var part = Partials.At(Parts, index, rows, stride);
            var first = block * call.BlockRows;
            AttentionKernels.Split(attention._path, call, attention.ScratchOf(call, worker), block, First + index, part.Largest + first, part.Sums + first, part.Outputs + ((long)first * stride));
        }
    }

    /// <summary>An item is some rows of a block, with all splits of the wave.</summary>
    private sealed class MergeWork(CacheAttention attention) : TeamWork
    {
        public int First; // split of the wave

        public int Count; // splits of the wave

        public int Rows; // of all blocks, filled up

        public float* Parts; // partial results, split by split

        public Partials State; // of the waves before

        public override void Run(int item, int worker)
        {
            ref readonly var call = ref attention._call;
            var path = attention._path;
            var (width, stride) = (call.PaddedValueWidth, call.PartialStride);
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
                    var part = Partials.At(Parts, index, Rows, stride);
                    if (!call.Visible(row, First + index).IsEmpty)
                        parts[seen++] = part[at];
                }

                var result = State[at];
                AttentionKernels.Merge(path, ref result, parts, seen, width);
                (State.Largest[at], State.Sums[at]) = (result.Largest, result.Sum);
                if (First + Count == call.Splits)
                    AttentionKernels.Finish(path, result.Output, result.Sum, call.Output(group, row), call.Shape.ValueWidth);
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
