using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Quantization;

/// <summary>FP8 matrices with block scales.</summary>
internal static class Fp8Matrices
{
    /// <summary>Every code but NaN, and scales as published checkpoints have them.</summary>
    public static Fp8BlockMatrix Random(Random random, int rows, int columns, int blockRows, int blockColumns)
    {
        var codes = new byte[rows * columns];
        random.NextBytes(codes);
        for (var i = 0; i < codes.Length; i++)
            codes[i] = (codes[i] & 0x7F) == 0x7F ? (byte)0x38 : codes[i]; // 0x7F and 0xFF are NaN; 0x38 is 1
        return Create(codes, Scales(random, CeilDiv(rows, blockRows) * CeilDiv(columns, blockColumns)), rows, columns, blockRows, blockColumns);
    }

    public static Fp8BlockMatrix Create(byte[] codes, float[] scales, int rows, int columns, int blockRows, int blockColumns) => new(
        Codes(codes, rows, columns),
        tensor(scales, [CeilDiv(rows, blockRows), CeilDiv(columns, blockColumns)]),
        blockRows, blockColumns);

    public static Tensor Codes(byte[] codes, int rows, int columns) => NativeTensor.Filled(
        TensorType.F8E4M3.ToScalarType(), [rows, columns], codes.Length, (offset, piece) => codes.AsSpan((int)offset, piece.Length).CopyTo(piece));

    public static float[] Scales(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 1e-3))];

    private static int CeilDiv(int value, int divisor) => (value + divisor - 1) / divisor;
}
