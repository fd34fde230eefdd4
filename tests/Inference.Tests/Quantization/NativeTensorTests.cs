using System.Runtime.InteropServices;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Layers;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Quantization;

public sealed unsafe class NativeTensorTests
{
    [Fact]
    public void Over_Memory_SharesItAndLeavesItToItsOwner()
    {
        var memory = (float*)NativeMemory.Alloc(16);
        try
        {
            new Span<float>(memory, 4).Fill(1);
            using (var tensor = NativeTensor.Over((nint)memory, ScalarType.Float32, [2, 2]))
            {
                memory[3] = 5;

                Assert.Equal([1, 1, 1, 5], tensor.ToArray<float>());
                Assert.Equal((nint)memory, tensor.Address());
                Assert.Equal([2, 2], tensor.shape);
            }

            Assert.Equal(5, memory[3]); // still there after the tensor is gone
        }
        finally
        {
            NativeMemory.Free(memory);
        }
    }

    [Fact]
    public void Filled_Bytes_AreTheTensors()
    {
        using var tensor = NativeTensor.Filled(ScalarType.Int32, [3], 12, (offset, piece) =>
        {
            Assert.Equal(0, offset);
            new int[] { 7, 8, 9 }.CopyTo(MemoryMarshal.Cast<byte, int>(piece));
        });

        Assert.Equal([7, 8, 9], tensor.ToArray<int>());
        Assert.Equal(0, tensor.Address() % 64);
    }

    [Fact]
    public void Filled_Nothing_IsAnEmptyTensor()
    {
        using var tensor = NativeTensor.Filled(ScalarType.Float32, [0, 4], 0, (_, _) => Assert.Fail("There is nothing to fill."));

        Assert.Equal([0, 4], tensor.shape);
    }

    [Fact]
    public void Filled_FailingSource_ThrowsItsError() =>
        Assert.Throws<IOException>(() => NativeTensor.Filled(ScalarType.Float32, [4], 16, (_, _) => throw new IOException()));

    [Fact]
    public void ToArray_ViewOfATensor_GivesItsOwnValues()
    {
        using var scope = NewDisposeScope();

        Assert.Equal([1, 3, 5], Passes.Counting(3, 2).select(1, 1).ToArray<float>());
    }

    [Theory]
    [InlineData(TensorType.U64)]
    [InlineData(TensorType.U32)]
    [InlineData(TensorType.U16)]
    [InlineData(TensorType.F8E8M0)]
    public void ToScalarType_WithoutCounterpart_SaysSo(TensorType type)
    {
        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => type.ToScalarType());

        Assert.StartsWith("Torch has no such element type; store the tensor in one of F64 to F8, I64 to I8, U8 or BOOL.", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(TensorType.F64, ScalarType.Float64)]
    [InlineData(TensorType.I64, ScalarType.Int64)]
    [InlineData(TensorType.I32, ScalarType.Int32)]
    [InlineData(TensorType.I16, ScalarType.Int16)]
    [InlineData(TensorType.I8, ScalarType.Int8)]
    [InlineData(TensorType.U8, ScalarType.Byte)]
    [InlineData(TensorType.Bool, ScalarType.Bool)]
    public void ToScalarType_Counterpart_IsGiven(TensorType type, ScalarType expected) => Assert.Equal(expected, type.ToScalarType());
}
