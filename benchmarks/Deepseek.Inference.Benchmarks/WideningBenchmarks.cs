using BenchmarkDotNet.Attributes;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Benchmarks;

/// <summary>Stored weights to single precision, on one core: FP8 with block scales and BF16, each beside a copy that moves as many bytes.</summary>
public class WideningBenchmarks : IMeasured
{
    // One matrix of an expert of DeepSeek-V3: 2,048 × 7,168 weights, larger than any cache.
    private const int Rows = 2048;
    private const int Columns = 7168;
    private const int Block = 128;
    private const int Weights = Rows * Columns;
    private const long Fp8Bytes = 5L * Weights; // 1 read, 4 written
    private const long BFloat16Bytes = 6L * Weights; // 2 read, 4 written

    private byte[] _codes = [];
    private ushort[] _halves = [];
    private float[] _scales = [];
    private float[] _widened = [];
    private byte[] _from = [];
    private byte[] _to = [];

    public Work WorkOf(string method) => new(method.Contains("Fp8", StringComparison.Ordinal) ? Fp8Bytes : BFloat16Bytes);

    [GlobalSetup]
    public void Fill()
    {
        (_codes, _halves, _scales, _widened) = (new byte[Weights], new ushort[Weights], new float[Rows / Block * (Columns / Block)], new float[Weights]);
        (_from, _to) = (new byte[BFloat16Bytes / 2], new byte[BFloat16Bytes / 2]);
        var random = new Random(20250120);
        random.NextBytes(_codes);
        random.NextBytes(_from);
        for (var i = 0; i < Weights; i++)
            _halves[i] = (ushort)(BitConverter.SingleToUInt32Bits(random.NextSingle()) >> 16);
        Array.Fill(_scales, 0.01f);
    }

    [Benchmark]
    public void DecodeFp8Blocks() => Fp8E4M3.DecodeBlocks(_codes, Rows, Columns, _scales, Block, Block, _widened);

    [Benchmark]
    public void CopyAsMuchAsFp8() => _from.AsSpan(0, (int)(Fp8Bytes / 2)).CopyTo(_to);

    [Benchmark]
    public void WidenBFloat16() => Widen.FromBFloat16(_halves, _widened);

    [Benchmark]
    public void CopyAsMuchAsBFloat16() => _from.AsSpan().CopyTo(_to);
}
