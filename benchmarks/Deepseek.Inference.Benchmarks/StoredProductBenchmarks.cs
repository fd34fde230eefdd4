using BenchmarkDotNet.Attributes;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Benchmarks;

/// <summary>Products of a checkpoint's matrices with a few tokens, as they are stored and by way of rows that are widened to memory first.</summary>
/// <remarks>The shape is a projection of DeepSeek-R1-Distill-Qwen-1.5B. Copies fill 256 MiB and are taken in turn: no cache holds them, as none holds a model's.</remarks>
public unsafe class StoredProductBenchmarks : IMeasured
{
    private const long WorkingSet = 256L << 20;
    private const int Rows = 1536;
    private const int Columns = 8960;
    private const int BlockColumns = 128;
    private const int ItemRows = 64;
    private const int WidenedRows = 8;

    private readonly Product _product = new();
    private readonly List<float[]> _pinned = []; // what is reached by pointers only must stay alive
    private WeightMemory _memory = null!;
    private ThreadTeam _team = null!;
    private int _copies;
    private int _next;

    [Params("BF16", "F16", "FP8")]
    public string Format { get; set; } = "BF16";

    [Params(1, 4)]
    public int Tokens { get; set; } = 1;

    [ParamsSource(nameof(Teams))]
    public int Threads { get; set; } = 1;

    public static IEnumerable<int> Teams => ((int[])[1, Environment.ProcessorCount]).Distinct();

    private int Size => Format == "FP8" ? 1 : 2;

    private long Bytes => (long)Rows * Columns * Size;

    public Work WorkOf(string method) => new(Bytes, Threads: Threads);

    [GlobalSetup]
    public void Fill()
    {
        var random = new Random(20250120);
        _copies = (int)((WorkingSet + Bytes - 1) / Bytes);
        _memory = new WeightMemory(_copies * Bytes);
        for (var i = 0L; i < Bytes / Size; i++)
        {
            var weight = (random.NextSingle() - 0.5f) * (Format == "FP8" ? 800 : 0.1f);
            if (Format == "FP8")
                Fp8E4M3.Encode([weight], new Span<byte>(_memory.Start + i, 1));
            else
                ((ushort*)_memory.Start)[i] = Format == "F16" ? BitConverter.HalfToUInt16Bits((Half)weight) : (ushort)(BitConverter.SingleToUInt32Bits(weight) >> 16);
        }

        for (var copy = 1; copy < _copies; copy++)
            Buffer.MemoryCopy(_memory.Start, _memory.Start + (copy * Bytes), Bytes, Bytes);

        _team = new ThreadTeam(Threads);
        (_product.Format, _product.Size) = (Format, Size);
        _product.Tokens = Tokens;
        _product.X = Pinned(Tokens * Columns);
        _product.Y = Pinned(Tokens * Rows);
        _product.Scales = Pinned(Columns / BlockColumns);
        _product.Scratch = [.. Enumerable.Range(0, Threads).Select(_ => (nint)Pinned(WidenedRows * Columns))];
    }

    [Benchmark(Baseline = true)]
    public void Widened() => Run(direct: false);

    [Benchmark]
    public void AsStored() => Run(direct: true);

    [GlobalCleanup]
    public void Dispose()
    {
        _team.Dispose();
        _memory.Dispose();
    }

    private void Run(bool direct)
    {
        _product.Direct = direct;
        _product.Source = _memory.Start + (_next * Bytes);
        _next = (_next + 1) % _copies;
        _team.Run(Rows / ItemRows, _product);
    }

    private float* Pinned(int count)
    {
        var values = GC.AllocateArray<float>(count, pinned: true);
        Array.Fill(values, 0.5f);
        _pinned.Add(values);
        fixed (float* start = values)
            return start;
    }

    private sealed class Product : TeamWork
    {
        public string Format { get; set; } = "";

        public long Size { get; set; } // of a weight

        public bool Direct { get; set; }

        public int Tokens { get; set; }

        public byte* Source { get; set; }

        public float* X { get; set; }

        public float* Y { get; set; }

        public float* Scales { get; set; }

        public nint[] Scratch { get; set; } = [];

        public override void Run(int item, int worker)
        {
            var weights = Source + (item * ItemRows * Columns * Size);
            var y = Y + (item * ItemRows);
            if (Direct)
                Multiply(weights, y);
            else
                MultiplyWidened(weights, y, (float*)Scratch[worker]);
        }

        private void Multiply(byte* weights, float* y)
        {
            switch (Format)
            {
                case "FP8":
                    StoredProducts.Multiply<Fp8Form>(weights, Scales, BlockColumns, ItemRows, Columns, X, Columns, Tokens, y, Rows);
                    break;
                case "F16":
                    StoredProducts.Multiply<HalfForm>(weights, Scales, Columns, ItemRows, Columns, X, Columns, Tokens, y, Rows);
                    break;
                default:
                    StoredProducts.Multiply<BFloat16Form>(weights, Scales, Columns, ItemRows, Columns, X, Columns, Tokens, y, Rows);
                    break;
            }
        }

        private void MultiplyWidened(byte* weights, float* y, float* scratch)
        {
            var (path, count) = (KernelPaths.Selected, WidenedRows * Columns);
            for (var row = 0; row < ItemRows; row += WidenedRows, weights += count * Size)
            {
                var widened = new Span<float>(scratch, count);
                if (Format == "FP8")
                    Fp8E4M3.DecodeBlocks(new ReadOnlySpan<byte>(weights, count), WidenedRows, Columns, new ReadOnlySpan<float>(Scales, Columns / BlockColumns), WidenedRows, BlockColumns, widened);
                else
                    Widen.From(Format == "F16" ? Widen.Format.Half : Widen.Format.BFloat16, path, new ReadOnlySpan<ushort>(weights, count), widened);
                FloatProducts.Multiply(path, scratch, Columns, WidenedRows, X, Columns, Tokens, Columns, y + row, Rows);
            }
        }
    }
}
