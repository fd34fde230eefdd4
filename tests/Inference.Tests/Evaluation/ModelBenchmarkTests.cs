using Deepseek.Inference.Caching;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Evaluation;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Models;
using Deepseek.Inference.Planning;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Models;
using Deepseek.Inference.Tests.Store;

namespace Deepseek.Inference.Tests.Evaluation;

public sealed class ModelBenchmarkTests
{
    private static readonly HardwareProfile Machine = new()
    {
        Threads = 2, KernelPath = KernelPath.Avx2, Processor = "A processor", MemoryBytes = 1L << 34, MemoryGigabytesPerSecond = 20, Int16Gops = 400, Int8Gops = 800, Fp32Gflops = 200,
    };

    [Fact]
    public async Task Measure_SmallSizes_TellsAllFigures()
    {
        using var model = await Fixture.LoadAsync("v2-lite");
        var options = new ModelBenchmarkOptions { PromptTokens = 5, NewTokens = 2, Depth = 3, Repetitions = 2 };
        List<ModelBenchmarkProgress> progress = [];

        var benchmark = ModelBenchmark.Measure(model, options, new Recorder(progress), TestContext.Current.CancellationToken);

        Assert.Equal(options, benchmark.Options);
        AssertSpeed(benchmark.Prefill);
        AssertSpeed(benchmark.Decode);
        Assert.True(benchmark.DecodeBytesPerToken > 0);
        Assert.True(benchmark.PeakMemoryBytes > 1 << 20);
        Assert.Equal((ActivationPrecision.Fp32, CachePrecision.Float32), (benchmark.Activations, benchmark.CachePrecision)); // the weights are no store's
        Assert.Equal(
            [new("prefill", 0, 2), new("prefill", 1, 2), new("prefill", 2, 2), new("decode", 0, 2), new("decode", 1, 2), new("decode", 2, 2)],
            progress);
    }

    [Fact]
    public async Task Measure_OneTestAlone_LeavesOutTheOther()
    {
        using var model = await Fixture.LoadAsync("distill-qwen2");

        var prefill = ModelBenchmark.Measure(model, new ModelBenchmarkOptions { PromptTokens = 4, NewTokens = 0, Repetitions = 1 });
        var decode = ModelBenchmark.Measure(model, new ModelBenchmarkOptions { PromptTokens = 0, NewTokens = 1, BatchSize = 3, CachePrecision = CachePrecision.Float16, Repetitions = 1 });

        AssertSpeed(prefill.Prefill);
        Assert.Null(prefill.Decode);
        Assert.Null(prefill.DecodeBytesPerToken);
        Assert.Null(prefill.BandwidthShare(Machine));
        Assert.Null(decode.Prefill);
        Assert.Null(decode.PeakShare(Machine));
        AssertSpeed(decode.Decode);
        Assert.Equal(CachePrecision.Float16, decode.CachePrecision);
    }

    [Fact]
    public async Task Measure_Store_HasCachesOfItsDefaultUnlessAnotherPrecisionIsAskedFor()
    {
        using var store = await Stores.ConvertAsync(Fixture.Folder("v2-lite"));
        using var model = await LanguageModel.LoadAsync(store.Path, new ModelOptions { Operations = ComputeOperations.Cpu }, cancellationToken: TestContext.Current.CancellationToken);

        var ownChoice = ModelBenchmark.Measure(model, new ModelBenchmarkOptions { PromptTokens = 2, NewTokens = 1, Repetitions = 1 });
        var asked = ModelBenchmark.Measure(model, new ModelBenchmarkOptions { PromptTokens = 2, NewTokens = 1, Repetitions = 1, CachePrecision = CachePrecision.BFloat16 });

        Assert.Equal((CachePrecision.Int16, CachePrecision.BFloat16), (ownChoice.CachePrecision, asked.CachePrecision));
    }

    [Fact]
    public async Task Measure_ModelAfterwards_IsUsable()
    {
        using var model = await Fixture.LoadAsync("v2-lite");
        var before = Fixture.Logits(model, [1, 2, 3]);

        ModelBenchmark.Measure(model, new ModelBenchmarkOptions { PromptTokens = 3, NewTokens = 1, BatchSize = 2, Depth = 2, Repetitions = 1 });

        Fixture.AssertSameBits(before, Fixture.Logits(model, [1, 2, 3]));
    }

    [Fact]
    public async Task Measure_Cancelled_Ends()
    {
        using var model = await Fixture.LoadAsync("v2-lite");

        Assert.ThrowsAny<OperationCanceledException>(() => ModelBenchmark.Measure(model, new ModelBenchmarkOptions { PromptTokens = 8 }, null, new CancellationToken(canceled: true)));
        Assert.ThrowsAny<OperationCanceledException>(() => ModelBenchmark.Measure(model, new ModelBenchmarkOptions { PromptTokens = 0, NewTokens = 8, Depth = 2 }, null, new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task Measure_MoreThanTheModelHolds_IsRefused()
    {
        using var model = await Fixture.LoadAsync("v2-lite");

        var fault = Assert.Throws<ArgumentException>(() => ModelBenchmark.Measure(model, new ModelBenchmarkOptions { PromptTokens = model.Config.MaxPositions + 1, NewTokens = 1 }));

        Assert.StartsWith("ModelBenchmarkOptions: PromptTokens is ", fault.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>("model", () => ModelBenchmark.Measure(null!));
    }

    [Fact]
    public async Task Draw_EverySequence_HasOtherTokensOfTheVocabulary()
    {
        using var model = await Fixture.LoadAsync("v2-lite");

        var run = new BenchmarkRun(model, new ModelBenchmarkOptions(), null, default);
        var (first, second) = (run.Draw(2000), run.Draw(2000));
        var again = new BenchmarkRun(model, new ModelBenchmarkOptions(), null, default).Draw(2000);
        var other = new BenchmarkRun(model, new ModelBenchmarkOptions { Seed = 1 }, null, default).Draw(2000);

        Assert.Equal(first, again);
        Assert.NotEqual(first, second);
        Assert.NotEqual(first, other);
        Assert.NotEqual(second, other);
        Assert.All(first, id => Assert.InRange(id, 0, model.Config.VocabularySize - 1));
        Assert.True(first.Distinct().Count() > model.Config.VocabularySize * 0.95); // of 256 tokens 0.1 are missed on average
    }

    [Fact]
    public void Shares_KnownFigures_AreTheirRatios()
    {
        var benchmark = new ModelBenchmark
        {
            Options = new ModelBenchmarkOptions(), Prefill = new TokenSpeed(100, 90, 110), Decode = new TokenSpeed(10, 9, 11), DecodeBytesPerToken = 1.5e9,
            PrefillOperationsPerToken = 2e9, PeakMemoryBytes = 1, Operations = "cpu", Activations = ActivationPrecision.Int16, CachePrecision = CachePrecision.Float32,
        };

        Assert.Equal(15, benchmark.DecodeGigabytesPerSecond!.Value, 9);
        Assert.Equal(0.75, benchmark.BandwidthShare(Machine)!.Value, 9);
        Assert.Equal(0.5, benchmark.PeakShare(Machine)!.Value, 9);
        Assert.Equal(0.25, (benchmark with { Activations = ActivationPrecision.Int8 }).PeakShare(Machine)!.Value, 9);
        Assert.Equal(1, (benchmark with { Activations = ActivationPrecision.Fp32 }).PeakShare(Machine)!.Value, 9);
        Assert.Throws<ArgumentNullException>("machine", () => benchmark.BandwidthShare(null!));
        Assert.Throws<ArgumentNullException>("machine", () => benchmark.PeakShare(null!));
    }

    [Fact]
    public void OperationsPerToken_V2Lite_IsTwoAWeight()
    {
        var config = KnownModels.ByName("v2-lite");

        var long1000 = ModelBenchmark.OperationsPerToken(ParameterCounts.Of(config), config, 1000);
        var single = ModelBenchmark.OperationsPerToken(ParameterCounts.Of(config), config, 1);

        Assert.Equal(4.48e9, long1000, 0.01e9); // 2.238 G active weights without the head
        Assert.Equal(2.0 * config.VocabularySize * config.HiddenSize, (single - long1000) / (1 - (1.0 / 1000)), 1.0);
    }

    [Fact]
    public async Task IntegerWeights_OfFolders_AreThoseOfStoresInFourAndEightBits()
    {
        using var nf4 = await Stores.ConvertAsync(Fixture.Folder("v2-lite"));
        using var int8 = await Stores.ConvertAsync(Fixture.Folder("v2-lite"), Stores.All(StorePrecision.Int8));
        using var bf16 = await Stores.ConvertAsync(Fixture.Folder("v2-lite"), Stores.All(StorePrecision.BF16));

        Assert.True(IntegerWeights.Prevail(nf4.Path));
        Assert.True(IntegerWeights.Prevail(int8.Path));
        Assert.False(IntegerWeights.Prevail(bf16.Path));
        Assert.False(IntegerWeights.Prevail(Fixture.Folder("v2-lite")));
    }

    private static void AssertSpeed(TokenSpeed? speed)
    {
        Assert.NotNull(speed);
        Assert.True(speed.Minimum > 0 && speed.Minimum <= speed.Median && speed.Median <= speed.Maximum && double.IsFinite(speed.Maximum), $"{speed}");
    }

    private sealed class Recorder(List<ModelBenchmarkProgress> reports) : IProgress<ModelBenchmarkProgress>
    {
        public void Report(ModelBenchmarkProgress value) => reports.Add(value);
    }
}
