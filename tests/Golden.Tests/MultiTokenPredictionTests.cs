using System.Runtime.InteropServices;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Models;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Golden.Tests;

public sealed class MultiTokenPredictionTests
{
    private const double Tolerance = 2e-4;

    [Theory]
    [InlineData(ComputeOperations.Cpu)]
    [InlineData(ComputeOperations.Torch)]
    public async Task PredictAfterNext_WholeTextAndTokenByToken_EqualsReference(ComputeOperations operations)
    {
        using var golden = GoldenModel.Open("v3-mtp");
        using var model = (DeepseekModel)await GoldenModel.LoadAsync("v3-mtp", operations);
        var ids = golden.Ids("ids.130");
        var hidden = golden.Floats("hidden.130.3").AsMemory(0, 129 * model.Config.HiddenSize);
        using var cache = model.CreatePredictionCache();
        using var stepCache = model.CreatePredictionCache();
        var trace = new ForwardTrace();

        using var logits = model.PredictAfterNext(ids.AsMemory(1), hidden, cache, trace);
        var decoded = new List<float>();
        for (var t = 0; t < 129; t++)
        {
            using var step = model.PredictAfterNext(ids.AsMemory(t + 1, 1), hidden.Slice(t * model.Config.HiddenSize, model.Config.HiddenSize), stepCache);
            decoded.AddRange(step.ToArray<float>());
        }

        Golden.AssertClose(golden.Floats("mtp.input.130"), CollectionsMarshal.AsSpan(trace.Hidden[0]), Tolerance, "mtp.input");
        Golden.AssertClose(golden.Floats("mtp.logits.130"), logits.ToArray<float>(), Tolerance, "mtp.logits");
        Golden.AssertClose(golden.Floats("mtp.logits.130"), CollectionsMarshal.AsSpan(decoded), Tolerance, "mtp.logits, token by token");
        Assert.Equal(129 * model.Config.Experts!.ChosenCount, trace.Experts[3].Count);
    }

    [Fact]
    public async Task PredictAfterNext_ModelWithoutTheLayer_SaysSo()
    {
        using var model = await DeepseekModel.LoadAsync(GoldenModel.Folder("v2-lite"), cancellationToken: TestContext.Current.CancellationToken);

        var error = Assert.Throws<InvalidOperationException>(() => model.CreatePredictionCache());

        Assert.False(model.HasMultiTokenPrediction);
        Assert.Contains("has no multi-token-prediction layer; use a checkpoint that has one", error.Message, StringComparison.Ordinal);
    }
}
