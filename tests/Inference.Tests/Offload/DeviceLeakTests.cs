using Deepseek.Inference.Compute;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Offload;

/// <summary>The device tier leaves no tensors behind. They are counted over the whole process: nothing else may run meanwhile.</summary>
[Collection(nameof(WholeProcess))]
public sealed class DeviceLeakTests(NanoStore store)
{
    [Fact]
    public void Widen_AgainAndAgain_LeavesNoTensorsBehind()
    {
        using var tables = new DeviceTables(CPU);
        var layout = new BandLayout(WeightPrecision.Nf4, 200, 191);
        using var memory = tensor(DeviceBands.Random(layout, 3), ScalarType.Byte);
        var matrix = new DeviceBandMatrix(tables.Decoder(layout), BandPlacement.Contiguous(layout), memory, 0);
        matrix.Widen().Dispose();
        var before = Tensor.TotalCount;

        for (var i = 0; i < 10; i++)
            matrix.Widen(10, 100).Dispose();

        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public async Task Forward_HundredTokens_LeavesNoTensorsBehind()
    {
        using var model = await store.LoadAsync(
            20, options => options with { Operations = ComputeOperations.Torch, DeviceTier = true }, new PagingOptions { DeviceSlots = 11 });
        using var cache = model.CreateCache();
        var ids = PagedModelTests.Ids(model, DeviceModelTests.Tokens + 4);
        for (var i = 0; i < 4; i++)
            model.Forward(ids.AsMemory(i, 1), cache, cancellationToken: TestContext.Current.CancellationToken).Dispose();
        var before = Tensor.TotalCount;

        for (var i = 4; i < ids.Length; i++)
            model.Forward(ids.AsMemory(i, 1), cache, cancellationToken: TestContext.Current.CancellationToken).Dispose();

        Assert.InRange(Tensor.TotalCount - before, long.MinValue, 0);
    }
}
