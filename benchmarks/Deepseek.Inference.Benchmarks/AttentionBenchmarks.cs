using BenchmarkDotNet.Attributes;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Benchmarks;

/// <summary>Latent attention of a new token over a cache of V2-Lite's shape in one layer, on all processors, by the length of the context.</summary>
public unsafe class AttentionBenchmarks : IMeasured
{
    private const int Heads = 16;
    private const int Latent = 512;
    private const int Rope = 64;
    private const int Width = Latent + Rope;

    private readonly float[] _queries = GC.AllocateArray<float>(Heads * Width, pinned: true);
    private readonly float[] _output = GC.AllocateArray<float>(Heads * Latent, pinned: true);
    private float[] _rows = [];
    private short[] _codes = [];
    private float[] _scales = [];
    private ThreadTeam _team = null!;
    private CacheAttention _attention = null!;

    [Params(64, 512, 4096)]
    public int Positions { get; set; } = 64;

    [Params("fp32", "int16")]
    public string Cache { get; set; } = "fp32";

    /// <summary>Each head meets a row's key and its value once.</summary>
    public Work WorkOf(string method) => new(
        0, 2L * Positions * Heads * (Width + Latent), Cache == "int16" ? ActivationPrecision.Int16 : ActivationPrecision.Fp32, Environment.ProcessorCount);

    [GlobalSetup]
    public void Fill()
    {
        var random = new Random(20250120);
        for (var i = 0; i < _queries.Length; i++)
            _queries[i] = random.NextSingle() - 0.5f;
        _rows = GC.AllocateArray<float>(Positions * Width, pinned: true);
        _codes = GC.AllocateArray<short>(Positions * Width, pinned: true);
        _scales = GC.AllocateArray<float>(2 * Positions, pinned: true);
        for (var i = 0; i < _rows.Length; i++)
            _rows[i] = random.NextSingle() - 0.5f;
        for (var position = 0; position < Positions; position++)
        {
            var row = _rows.AsSpan(position * Width, Width);
            var codes = _codes.AsSpan(position * Width, Width);
            _scales[2 * position] = CacheCodes.Round(KernelPaths.Selected, row[..Latent], codes[..Latent]);
            _scales[(2 * position) + 1] = CacheCodes.Round(KernelPaths.Selected, row[Latent..], codes[Latent..]);
        }

        (_team, _attention) = (new ThreadTeam(Environment.ProcessorCount), new CacheAttention());
    }

    [Benchmark]
    public void Attend()
    {
        fixed (float* queries = _queries, output = _output, rows = _rows, scales = _scales)
        {
            fixed (short* codes = _codes)
            {
                var cache = Cache == "int16" ? new CachedRows(CacheFormat.Int16, codes, Width, scales) : new CachedRows(CacheFormat.Fp32, rows, Width);
                _attention.Add(AttentionShape.Latent(Heads, Latent, Rope), cache, Positions - 1, 1, queries, Heads * Width, 0.1f, AttentionWindow.None, output, Heads * Latent);
                _attention.Run(_team);
            }
        }
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _attention.Dispose();
        _team.Dispose();
    }
}
