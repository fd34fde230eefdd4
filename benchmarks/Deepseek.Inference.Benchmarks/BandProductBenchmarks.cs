using BenchmarkDotNet.Attributes;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Benchmarks;

/// <summary>Products of NF4 matrices with activations, on one processor and on all: with few tokens bound by memory, with many by arithmetic.</summary>
/// <remarks>
/// The shapes are the down projection of an expert of DeepSeek-R1 and that of V2-Lite. Copies of the matrix fill 256 MiB and are taken in turn: no cache holds them, as none holds a model's.
/// Activations are prepared before, as a layer does once for several products.
/// </remarks>
public unsafe class BandProductBenchmarks : IMeasured
{
    private const long WorkingSet = 256L << 20;

    private readonly Product _product = new();
    private WeightMemory _memory = null!;
    private PreparedActivations _x = null!;
    private ThreadTeam _team = null!;
    private float[] _y = [];
    private int _copies;
    private int _next;

    [Params("7168×2048", "2048×1408")]
    public string Shape { get; set; } = "7168×2048";

    [Params(ActivationPrecision.Int16, ActivationPrecision.Int8)]
    public ActivationPrecision Activations { get; set; } = ActivationPrecision.Int16;

    [Params(1, 2, 4, 8, 64)]
    public int Tokens { get; set; } = 1;

    [ParamsSource(nameof(Teams))]
    public int Threads { get; set; } = 1;

    public static IEnumerable<int> Teams => ((int[])[1, Environment.ProcessorCount]).Distinct();

    private BandLayout Layout => new(WeightPrecision.Nf4, int.Parse(Shape.Split('×')[0], null), int.Parse(Shape.Split('×')[1], null));

    public Work WorkOf(string method) => new(Layout.ByteLength, 2L * Layout.Rows * Layout.Columns * Tokens, Activations, Threads);

    [GlobalSetup]
    public void Fill()
    {
        var layout = Layout;
        var random = new Random(20250120);
        var stride = (layout.ByteLength + BandLayout.LineBytes - 1) / BandLayout.LineBytes * BandLayout.LineBytes;
        _copies = (int)((WorkingSet + stride - 1) / stride);
        _memory = new WeightMemory(_copies * stride);
        for (var band = 0; band < layout.BandCount; band++)
        {
            var weights = Normal(random, layout.RowsOf(band) * layout.Columns, 0.02);
            Bands.Encode(layout, band, weights, [], _memory.Slice(layout.OffsetOf(band), layout.BytesOf(band)));
        }

        for (var copy = 1; copy < _copies; copy++)
            Buffer.MemoryCopy(_memory.Start, _memory.Start + (copy * stride), stride, layout.ByteLength);

        _x = new PreparedActivations();
        fixed (float* x = Normal(random, Tokens * layout.Columns, 1))
            _x.Prepare(x, layout.Columns, Tokens, layout.Columns, Activations);
        _y = GC.AllocateArray<float>(Tokens * layout.Rows, pinned: true);
        _team = new ThreadTeam(Threads);
        (_product.Layout, _product.X, _product.Stride) = (layout, _x, stride);
        fixed (float* y = _y)
            _product.Y = y; // pinned for good
    }

    [Benchmark]
    public void Multiply()
    {
        _product.Source = _memory.Start + (_next * _product.Stride);
        _next = (_next + 1) % _copies;
        _team.Run(_product.Layout.BandCount, _product);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _team.Dispose();
        _x.Dispose();
        _memory.Dispose();
    }

    private static float[] Normal(Random random, int count, double deviation)
    {
        var values = new float[count];
        for (var i = 0; i < count; i++)
            values[i] = (float)(deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        return values;
    }

    private sealed class Product : TeamWork
    {
        public BandLayout Layout { get; set; }

        public PreparedActivations X { get; set; } = null!;

        public byte* Source { get; set; }

        public float* Y { get; set; }

        public long Stride { get; set; } // of the copies

        public override void Run(int item, int worker) =>
            BandProducts.Multiply(
                Layout, item, Source + Layout.OffsetOf(item), X, null, X.Tokens, Y + (item * BandLayout.BandRows), Layout.Rows, item + 1 < Layout.BandCount ? Source + Layout.OffsetOf(item + 1) : null);
    }
}
