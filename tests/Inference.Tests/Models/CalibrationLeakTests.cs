using Deepseek.Inference.Models;
using TorchSharp;

namespace Deepseek.Inference.Tests.Models;

/// <summary>Counts the tensors of the whole process: nothing else may run meanwhile.</summary>
[Collection(nameof(WholeProcess))]
public sealed class CalibrationLeakTests
{
    [Fact]
    public async Task RunAsync_ManyChunks_KeepsNoTensorAlive()
    {
        using var model = await Fixture.LoadAsync("v3-mtp", new ModelOptions { ChunkSize = 5 });
        for (var i = 0; i < 3; i++) // what earlier tests left to the collector
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        var tensors = torch.Tensor.TotalCount;

        await Calibration.RunAsync(model, [Fixture.Ids(40), Fixture.Ids(8)], cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(tensors, torch.Tensor.TotalCount);
    }
}
