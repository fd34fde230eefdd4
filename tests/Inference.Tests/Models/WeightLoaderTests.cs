using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Models;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Models;

public sealed class WeightLoaderTests
{
    [Fact]
    public void Matrix_Aligned_LiesOverTheMappedFile()
    {
        using var source = CheckpointFolder.Open(Fixture.Folder("v3-fp32"));
        var config = ModelConfig.Load(Fixture.Folder("v3-fp32"));
        using var scope = NewDisposeScope();
        var loader = new WeightLoader(source, config, CPU, null, CancellationToken.None);

        var matrix = loader.Matrix(TensorNames.Embedding, 256, 64);

        Assert.True(source.TryMap(source.Tensors[TensorNames.Embedding], out var mapped));
        Assert.Equal(mapped, matrix.Widen().Address()); // fp32 is used as it lies
        Assert.Equal(256 * 64 * 4, loader.Bytes);
    }

    [Fact]
    public void Matrix_Misaligned_IsCopied()
    {
        using var folder = new AlteredCheckpoint("v3-fp32").Set("!", TensorType.U8, [1]).Write();
        using var source = CheckpointFolder.Open(folder.Path);
        using var scope = NewDisposeScope();
        var loader = new WeightLoader(source, ModelConfig.Load(folder.Path), CPU, null, CancellationToken.None);

        var values = loader.Matrix(TensorNames.Embedding, 256, 64).Widen();

        Assert.True(source.TryMap(source.Tensors[TensorNames.Embedding], out var mapped));
        Assert.NotEqual(0, mapped % 4);
        Assert.Equal(0, values.Address() % 64);
        Assert.Equal(source.Bytes(source.Tensors[TensorNames.Embedding]).ToArray(), System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values.ToArray<float>()).ToArray());
    }

    [Theory]
    [InlineData("v3-bf16", typeof(FloatMatrix))]
    [InlineData("v3-fp8", typeof(Fp8BlockMatrix))]
    [InlineData("bnb-qwen2/bnb", typeof(Nf4Matrix))]
    public void Matrix_AnyStoredForm_BearsItsName(string fixture, Type form)
    {
        const string name = "model.layers.0.mlp.down_proj.weight";
        using var source = CheckpointFolder.Open(Fixture.Folder(fixture));
        var config = ModelConfig.Load(Fixture.Folder(fixture));
        using var scope = NewDisposeScope();
        var loader = new WeightLoader(source, config, CPU, null, CancellationToken.None);

        var matrix = loader.Matrix(name, config.HiddenSize, config.IntermediateSize);

        Assert.IsType(form, matrix);
        Assert.Equal(name, matrix.Name);
    }

    [Fact]
    public void Vector_StoredInAnyPrecision_IsWidened()
    {
        using var folder = new AlteredCheckpoint("v3-bf16").Set("x", TensorType.F64, [2], [.. BitConverter.GetBytes(0.5), .. BitConverter.GetBytes(-3.0)]).Write();
        using var source = CheckpointFolder.Open(folder.Path);
        using var scope = NewDisposeScope();
        var loader = new WeightLoader(source, ModelConfig.Load(folder.Path), CPU, null, CancellationToken.None);

        var vector = loader.Vector("x", 2);

        Assert.Equal(ScalarType.Float32, vector.dtype);
        Assert.Equal([0.5f, -3], vector.ToArray<float>());
        Assert.True(loader.Has("x"));
        Assert.False(loader.Has("y"));
    }

    [Fact]
    public void Matrix_Cancelled_StopsBeforeTheTensor()
    {
        using var source = CheckpointFolder.Open(Fixture.Folder("v3-fp32"));
        var loader = new WeightLoader(source, ModelConfig.Load(Fixture.Folder("v3-fp32")), CPU, null, new CancellationToken(canceled: true));

        Assert.Throws<OperationCanceledException>(() => loader.Matrix(TensorNames.Embedding, 256, 64));
        Assert.Equal(0, loader.Bytes);
    }
}
