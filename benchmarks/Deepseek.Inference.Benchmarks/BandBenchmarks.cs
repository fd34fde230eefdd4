using BenchmarkDotNet.Attributes;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Benchmarks;

/// <summary>One band of a page store, on one core: 64 rows of an expert of DeepSeek-R1, encoded and decoded in every precision. 458,752 weights an operation.</summary>
/// <remarks>To encode Nf4Dynamic means to pack it, from random codes. A band with its weights is some 2 MB, which caches hold in part: more than the speed of memory is no error here.</remarks>
public class BandBenchmarks : IMeasured
{
    private const int Columns = 7168;
    private const int Weights = BandLayout.BandRows * Columns;

    private readonly float[] _weights = new float[Weights];
    private readonly float[] _decoded = new float[Weights];
    private readonly byte[] _codes = new byte[Weights / 2];
    private readonly byte[] _scaleCodes = new byte[Weights / BandLayout.BlockColumns];
    private float[] _groupScales = [];
    private byte[] _band = [];
    private BandLayout _layout;

    [ParamsAllValues]
    public WeightPrecision Precision { get; set; }

    public Work WorkOf(string method) => new(new BandLayout(Precision, BandLayout.BandRows, Columns).BytesOf(0) + (sizeof(float) * (long)Weights));

    [GlobalSetup]
    public void Fill()
    {
        var random = new Random(20250120);
        for (var i = 0; i < Weights; i++)
            _weights[i] = (float)(0.02 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())); // normal, as weights nearly are
        random.NextBytes(_codes);
        random.NextBytes(_scaleCodes);
        _layout = new BandLayout(Precision, BandLayout.BandRows, Columns);
        _band = new byte[_layout.BytesOf(0)];
        _groupScales = new float[_layout.GroupsOf(0)];
        Encode();
    }

    [Benchmark]
    public void Encode()
    {
        if (Precision == WeightPrecision.Nf4Dynamic)
            Bands.PackDynamic(_layout, 0, _codes, _scaleCodes, _groupScales, 0.05f, _band);
        else
            Bands.Encode(_layout, 0, _weights, [], _band);
    }

    [Benchmark]
    public void Decode() => Bands.Decode(_layout, 0, _band, 0, BandLayout.BandRows, _decoded);
}
