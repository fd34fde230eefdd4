using System.Runtime.InteropServices;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Quantization;

/// <summary>A matrix of a form, and what it means, decoded by somebody else.</summary>
internal sealed unsafe class MadeMatrix : IDisposable
{
    public const int Rows = 133;

    private readonly Func<float[]> _definition;
    private readonly byte* _memory;

    /// <summary>Makes one.</summary>
    /// <param name="form">A type of a tensor, <c>Fp8Block</c>, <c>Nf4Plain</c>, <c>Nf4Double</c>, or <c>Band</c> and a precision of stores.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="at">Of a tensor's type: an element that is set; −1 for none.</param>
    /// <param name="code">Its bits.</param>
    public MadeMatrix(string form, int columns, int at = -1, int code = 0)
    {
        var random = new Random(columns);
        if (form.StartsWith("Band", StringComparison.Ordinal))
        {
            (Matrix, var memory, _definition) = Band(random, Enum.Parse<WeightPrecision>(form[4..]), columns);
            _memory = (byte*)memory;
        }
        else if (form.StartsWith("Nf4", StringComparison.Ordinal))
            (Matrix, _definition) = Nf4(random, columns, form == "Nf4Double");
        else if (form == "Fp8Block")
            (Matrix, _definition) = Fp8(random, columns);
        else
            (Matrix, _definition) = Float(random, Enum.Parse<TensorType>(form), columns, at, code);
    }

    public WeightMatrix Matrix { get; }

    public float[] Definition() => _definition();

    public void Dispose()
    {
        Matrix.Dispose();
        NativeMemory.AlignedFree(_memory);
    }

    private static (WeightMatrix, Func<float[]>) Float(Random random, TensorType type, int columns, int at, int code)
    {
        var bytes = new byte[Rows * columns * type.Size()];
        if (type.Size() == 1)
            bytes = Array.ConvertAll(bytes, _ => (byte)random.Next(0, 0x7A)); // neither infinite nor NaN in either format
        else
            bytes = Stored(type, [.. Enumerable.Range(0, Rows * columns).Select(_ => (random.NextDouble() - 0.5) * 100)]);
        if (at >= 0)
            BitConverter.GetBytes(code).AsSpan(0, type.Size()).CopyTo(bytes.AsSpan(at * type.Size()));
        var stored = NativeTensor.Filled(type.ToScalarType(), [Rows, columns], bytes.Length, (offset, piece) => bytes.AsSpan((int)offset, piece.Length).CopyTo(piece));
        return (new FloatMatrix(stored), () => stored.to(ScalarType.Float32).ToArray<float>());
    }

    private static byte[] Stored(TensorType type, double[] values) => type switch
    {
        TensorType.F64 => MemoryMarshal.AsBytes<double>(values).ToArray(),
        TensorType.F32 => MemoryMarshal.AsBytes<float>(Array.ConvertAll(values, value => (float)value)).ToArray(),
        TensorType.F16 => MemoryMarshal.AsBytes<Half>(Array.ConvertAll(values, value => (Half)value)).ToArray(),
        _ => MemoryMarshal.AsBytes<ushort>(Array.ConvertAll(values, value => (ushort)(BitConverter.SingleToUInt32Bits((float)value) >> 16))).ToArray(),
    };

    private static (WeightMatrix, Func<float[]>) Fp8(Random random, int columns)
    {
        var matrix = Fp8Matrices.Random(random, Rows, columns, 16, 32);
        return (matrix, () => matrix.WidenByTorch(0, Rows).ToArray<float>());
    }

    private static (WeightMatrix, Func<float[]>) Nf4(Random random, int columns, bool doubled)
    {
        var weights = Enumerable.Range(0, Rows * columns).Select(_ => (float)(random.NextDouble() - 0.5)).ToArray();
        var quantized = Nf4Quantizer.Quantize(weights, [Rows, columns], new Nf4Options { DoubleQuantization = doubled });
        var matrix = new Nf4Matrix(tensor(quantized.Codes, [quantized.Codes.Length, 1]), quantized.Scales, quantized.BlockSize, Rows, columns);
        return (matrix, () => matrix.WidenByTorch(0, Rows).ToArray<float>());
    }

    private static (WeightMatrix, nint, Func<float[]>) Band(Random random, WeightPrecision precision, int columns)
    {
        var layout = new BandLayout(precision, Rows, columns);
        var memory = (byte*)NativeMemory.AlignedAlloc((nuint)layout.ByteLength, BandLayout.LineBytes);
        for (var band = 0; band < layout.BandCount; band++)
            Fill(random, layout, band, new Span<byte>(memory + layout.OffsetOf(band), layout.BytesOf(band)));
        return (new BandMatrix(layout, memory, CPU), (nint)memory, () => Decoded(layout, memory));
    }

    private static void Fill(Random random, BandLayout layout, int band, Span<byte> destination)
    {
        var (rows, columns) = (layout.RowsOf(band), layout.Columns);
        if (layout.Precision != WeightPrecision.Nf4Dynamic)
        {
            var weights = Enumerable.Range(0, rows * columns).Select(_ => (float)(random.NextDouble() - 0.5)).ToArray();
            Bands.Encode(layout, band, weights, [], destination);
            return;
        }

        var (codes, scaleCodes) = (new byte[rows * columns / 2], new byte[rows * layout.BlocksPerRow]);
        random.NextBytes(codes);
        random.NextBytes(scaleCodes);
        Bands.PackDynamic(layout, band, codes, scaleCodes, [.. Enumerable.Range(0, layout.GroupsOf(band)).Select(_ => random.NextSingle())], 1.5f, destination);
    }

    private static float[] Decoded(BandLayout layout, byte* memory)
    {
        var weights = new float[Rows * layout.Columns];
        for (var row = 0; row < Rows; row++)
        {
            var band = row / BandLayout.BandRows;
            Bands.Decode(
                KernelPath.Scalar, layout, band, new ReadOnlySpan<byte>(memory + layout.OffsetOf(band), layout.BytesOf(band)), row % BandLayout.BandRows, 1,
                weights.AsSpan(row * layout.Columns, layout.Columns));
        }

        return weights;
    }
}
