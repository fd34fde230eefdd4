using BenchmarkDotNet.Attributes;
using Deepseek.Inference.Kernels;

namespace Deepseek.Inference.Benchmarks;

/// <summary>Stored weights to single precision, on one core: FP8 with block scales and BF16, each beside a copy that moves as many bytes.</summary>
public class WideningBenchmarks
{
    // One matrix of an expert of DeepSeek-V3: 2,048 × 7,168 weights, larger than any cache.
    private const int Rows = 2048;
    private const int Columns = 7168;
    private const int Block = 128;
    private const int Weights = Rows * Columns;
    private const long Fp8Bytes = 5L * Weights; // 1 read, 4 written
    private const long BFloat16Bytes = 6L * Weights; // 2 read, 4 written

    private readonly byte[] _codes = new byte[Weights];
    private readonly ushort[] _halves = new ushort[Weights];
    private readonly float[] _scales = new float[Rows / Block * (Columns / Block)];
    private readonly float[] _widened = new float[Weights];
    private readonly byte[] _from = new byte[BFloat16Bytes / 2];
    private readonly byte[] _to = new byte[BFloat16Bytes / 2];

    [GlobalSetup]
    public void Fill()
    {
        var random = new Random(20250120);
        random.NextBytes(_codes);
        random.NextBytes(_from);
        for (var i = 0; i < Weights; i++)
            _halves[i] = (ushort)(BitConverter.SingleToUInt32Bits(random.NextSingle()) >> 16);
        Array.Fill(_scales, 0.01f);
    }

    [Benchmark, BytesMoved(Fp8Bytes)]
    public void DecodeFp8Blocks() => Fp8E4M3.DecodeBlocks(_codes, Rows, Columns, _scales, Block, Block, _widened);

    [Benchmark, BytesMoved(Fp8Bytes)]
    public void CopyAsMuchAsFp8() => _from.AsSpan(0, (int)(Fp8Bytes / 2)).CopyTo(_to);

    [Benchmark, BytesMoved(BFloat16Bytes)]
    public void WidenBFloat16() => Widen.FromBFloat16(_halves, _widened);

    [Benchmark, BytesMoved(BFloat16Bytes)]
    public void CopyAsMuchAsBFloat16() => _from.AsSpan().CopyTo(_to);
}
