using System.Runtime.InteropServices;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Quantization;

public sealed class FloatMatrixTests
{
    public static TheoryData<TensorType, byte[]> OneMinusTwoAndAHalf => new()
    {
        { TensorType.F64, MemoryMarshal.AsBytes<double>([1, -2, 0.5, 0]).ToArray() },
        { TensorType.F32, MemoryMarshal.AsBytes<float>([1, -2, 0.5f, 0]).ToArray() },
        { TensorType.F16, MemoryMarshal.AsBytes<Half>([(Half)1, (Half)(-2), (Half)0.5, (Half)0]).ToArray() },
        { TensorType.BF16, [0x80, 0x3F, 0x00, 0xC0, 0x00, 0x3F, 0, 0] },
        { TensorType.F8E4M3, [0x38, 0xC0, 0x30, 0] },
        { TensorType.F8E5M2, [0x3C, 0xC0, 0x38, 0] },
    };

    [Theory, MemberData(nameof(OneMinusTwoAndAHalf))]
    public void WidenAndGather_EveryStoredType_GiveItsValues(TensorType type, byte[] bytes)
    {
        using var scope = NewDisposeScope();
        var stored = NativeTensor.Filled(type.ToScalarType(), [2, 2], bytes.Length, (offset, piece) => bytes.AsSpan((int)offset, piece.Length).CopyTo(piece));
        using var matrix = new FloatMatrix(stored);

        Assert.Equal([1, -2, 0.5f, 0], matrix.Widen().ToArray<float>());
        Assert.Equal([0.5f, 0], matrix.Widen(1, 1).ToArray<float>());
        Assert.Equal([0.5f, 0, 1, -2, 0.5f, 0], matrix.Gather(tensor(new long[] { 1, 0, 1 })).ToArray<float>());
        Assert.Equal((bytes.Length, 1, 2, 2), (matrix.ByteSize, matrix.RowAlignment, matrix.Rows, matrix.Columns));
    }

    [Fact]
    public void Widen_Float32_SharesTheStoredMemory()
    {
        using var scope = NewDisposeScope();
        using var matrix = new FloatMatrix(zeros(3, 2));

        using var seven = 7.ToScalar();
        matrix.Widen(1, 1).fill_(seven);

        Assert.Equal([0, 0, 7, 7, 0, 0], matrix.Widen().ToArray<float>());
    }

    [Fact]
    public void Gather_Float32_DoesNotShare()
    {
        using var scope = NewDisposeScope();
        using var matrix = new FloatMatrix(zeros(3, 2));

        using var seven = 7.ToScalar();
        matrix.Gather(tensor(new long[] { 1 })).fill_(seven);

        Assert.All(matrix.Widen().ToArray<float>(), value => Assert.Equal(0, value));
    }
}
