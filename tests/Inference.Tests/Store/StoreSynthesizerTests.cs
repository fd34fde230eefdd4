using System.Text.Json;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Models;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Configuration;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Store;

public sealed class StoreSynthesizerTests
{
    private static readonly ModelConfig Nano = ModelConfig.Load(TestPaths.Nano);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SynthesizeAsync_Nano_HasTheLayoutOfItsConversion()
    {
        using var converted = await Stores.ConvertAsync(TestPaths.Nano);
        using var synthetic = await SynthesizeAsync(Nano, new SyntheticOptions { MultiTokenPrediction = true });

        Assert.Equal(LayoutOf(converted), LayoutOf(synthetic));
        Assert.Equal(Nano with { Quantization = null, DataType = null }, PageStore.Open(synthetic.Path).Config);
    }

    [Theory]
    [InlineData("v2-lite")]
    [InlineData("v3-bf16")]
    [InlineData("distill-qwen2")]
    [InlineData("distill-llama")]
    public void Plan_Fixture_HasTheClassesOfItsConversion(string name)
    {
        var converted = StoreConverter.Plan(Fixture.Folder(name));
        var synthetic = StoreSynthesizer.Plan(ModelConfig.Load(Fixture.Folder(name)));

        Assert.Equal(converted.Classes.Where(one => one.Precision is not ("F32" or "BF16")), synthetic.Classes.Where(one => one.Precision is not ("F32" or "BF16")));
        Assert.Equal(converted.Classes.Sum(one => one.Parameters), synthetic.Classes.Sum(one => one.Parameters)); // vectors may be F32 in a checkpoint
        Assert.Equal(converted.ExpertBytes, synthetic.ExpertBytes);
    }

    [Fact]
    public void Plan_R1_HasTheSizeThatIsPublished()
    {
        var plan = StoreSynthesizer.Plan(KnownModels.R1);

        Assert.Equal(22_724_608, plan.ExpertBytes);
        Assert.Equal(58L * 256 * 22_724_608, plan.Classes.Single(one => one.Part == "experts").Bytes);
        Assert.Equal(ParameterCounts.Of(KnownModels.R1).Total, plan.Classes.Sum(one => one.Parameters));
    }

    [Fact]
    public async Task SynthesizeAsync_AnyThreads_GivesTheSameBytes()
    {
        using var one = await SynthesizeAsync(Nano, new SyntheticOptions { Threads = 1, Skew = 0.5 });
        using var seven = await SynthesizeAsync(Nano, new SyntheticOptions { Threads = 7, Skew = 0.5 });

        Stores.AssertSameFiles(one.Path, seven.Path);
    }

    [Fact]
    public async Task SynthesizeAsync_OtherSeed_GivesOtherWeights()
    {
        using var zero = await SynthesizeAsync(Nano, new SyntheticOptions { Layers = 2 });
        using var one = await SynthesizeAsync(Nano, new SyntheticOptions { Layers = 2, Seed = -1 });

        foreach (var shard in new[] { "resident.safetensors", "experts-001.safetensors" })
            Assert.False(File.ReadAllBytes(zero.File(shard)).AsSpan().SequenceEqual(File.ReadAllBytes(one.File(shard))), $"{shard} does not depend on the seed.");
    }

    [Fact]
    public async Task SynthesizeAsync_Defaults_HaveNeitherTokenizerNorPrediction()
    {
        using var folder = await SynthesizeAsync(Nano);

        Assert.Equal(
            ["experts-001.safetensors", "experts-002.safetensors", "experts-003.safetensors", "experts-004.safetensors", "experts-005.safetensors", "resident.safetensors", "store.json"],
            Stores.Files(folder.Path).Keys);
        Assert.Equal(0, PageStore.Open(folder.Path).Config.MultiTokenPredictionLayers);
    }

    [Fact]
    public async Task SynthesizeAsync_Manifest_SaysThatWeightsAreSynthetic()
    {
        using var folder = await SynthesizeAsync(Nano, new SyntheticOptions { Layers = 1, Seed = 7, Skew = 0.5 });

        using var manifest = JsonDocument.Parse(await File.ReadAllBytesAsync(folder.File("store.json"), Cancellation));
        Assert.Equal("""{"seed":7,"skew":0.5}""", JsonSerializer.Serialize(manifest.RootElement.GetProperty("model").GetProperty("synthetic_weights")));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    [InlineData(6, 5)]
    public async Task SynthesizeAsync_Layers_CountTheDenseOnes(int layers, int mixtures)
    {
        using var folder = await SynthesizeAsync(Nano, new SyntheticOptions { Layers = layers });
        using var model = await LanguageModel.LoadAsync(folder.Path, cancellationToken: Cancellation);

        Assert.Equal(layers, model.Config.LayerCount);
        Assert.Equal(mixtures, Directory.EnumerateFiles(folder.Path, "experts-*").Count());
        Assert.All(Fixture.Logits(model, Fixture.Ids(5)), logit => Assert.InRange(logit, -10, 10));
    }

    [Fact]
    public async Task SynthesizeAsync_FewerLayersThanDenseOnes_LeavesDenseOnesAlone()
    {
        var plan = StoreSynthesizer.Plan(KnownModels.R1, new SyntheticOptions { Layers = 2 });

        Assert.Equal(0, plan.ExpertBytes);
        using var folder = await SynthesizeAsync(Nano with { Experts = Nano.Experts! with { FirstDenseLayers = 3 } }, new SyntheticOptions { Layers = 2 });
        Assert.Equal(2, PageStore.Open(folder.Path).Config.Experts!.FirstDenseLayers);
    }

    [Fact]
    public async Task SynthesizeAsync_WithPrediction_Drafts()
    {
        using var folder = await SynthesizeAsync(Nano, new SyntheticOptions { Layers = 2, MultiTokenPrediction = true });
        using var model = await DeepseekModel.LoadAsync(folder.Path, cancellationToken: Cancellation);

        Assert.True(model.HasMultiTokenPrediction);
    }

    [Theory]
    [InlineData("distill-qwen2")]
    [InlineData("distill-llama")] // with a tied head
    public async Task SynthesizeAsync_DenseModel_Computes(string name)
    {
        using var folder = await SynthesizeAsync(ModelConfig.Load(Fixture.Folder(name)));
        using var model = await LanguageModel.LoadAsync(folder.Path, cancellationToken: Cancellation);

        var logits = Fixture.Logits(model, Fixture.Ids(9));

        Assert.All(logits, logit => Assert.True(float.IsFinite(logit)));
        Assert.InRange(logits.Average(logit => logit * logit), 0.3, 3);
    }

    [Fact]
    public async Task SynthesizeAsync_WidthOne_HasFiniteRouters()
    {
        var config = ConfigText.Parse("v2-lite", ("hidden_size", "1"));

        using var folder = await SynthesizeAsync(config, new SyntheticOptions { Skew = 1 });
        using var model = await LanguageModel.LoadAsync(folder.Path, cancellationToken: Cancellation);

        Assert.All(Fixture.Logits(model, Fixture.Ids(5)), logit => Assert.True(float.IsFinite(logit)));
    }

    [Fact]
    public async Task SynthesizeAsync_NullEntries_MeanAbsent()
    {
        var config = ConfigText.Parse("v3-fp32", ("rope_scaling", "null"), ("q_lora_rank", "null"), ("num_nextn_predict_layers", "null"), ("n_shared_experts", "null"), ("eos_token_id", "null"));

        using var folder = await SynthesizeAsync(config);
        using var model = await LanguageModel.LoadAsync(folder.Path, cancellationToken: Cancellation);

        Assert.Equal(config with { DataType = null }, model.Config);
        Assert.Equal((null, null, 0, 0, 0), (model.Config.RopeScaling, model.Config.LatentAttention!.QueryRank, model.Config.Experts!.SharedCount, model.Config.MultiTokenPredictionLayers, model.Config.EndTokens.Count));
    }

    [Fact]
    public async Task SynthesizeAsync_Cancelled_IsTakenUpToTheSameBytes()
    {
        using var whole = await SynthesizeAsync(Nano);
        using var folder = new TemporaryFolder();
        using var cancel = new CancellationTokenSource();
        var reports = new Reports(count => { if (count == 40) cancel.Cancel(); });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StoreSynthesizer.SynthesizeAsync(Nano, folder.Path, new SyntheticOptions { Threads = 2 }, reports, cancel.Token));
        Assert.False(File.Exists(folder.File("store.json")));

        var resumed = new Reports(_ => { });
        await StoreSynthesizer.SynthesizeAsync(Nano, folder.Path, null, resumed, Cancellation);

        Assert.True(resumed.First!.BytesDone > 0, "The second run began from nothing.");
        Stores.AssertSameFiles(whole.Path, folder.Path);
    }

    [Fact]
    public async Task SynthesizeAsync_FinishedStore_IsCheckedAndOtherOnesRefused()
    {
        using var folder = await SynthesizeAsync(Nano, new SyntheticOptions { Layers = 2 });
        var before = File.GetLastWriteTimeUtc(folder.File("resident.safetensors"));

        var summary = await StoreSynthesizer.SynthesizeAsync(Nano, folder.Path, new SyntheticOptions { Layers = 2 }, cancellationToken: Cancellation);

        Assert.Equal(StoreSummary.Read(folder.Path).Classes, summary.Classes);
        Assert.Equal(before, File.GetLastWriteTimeUtc(folder.File("resident.safetensors")));
        foreach (var other in new SyntheticOptions[] { new() { Layers = 3 }, new() { Layers = 2, Seed = 1 }, new() { Layers = 2, Skew = 1 }, new() { Layers = 2, MultiTokenPrediction = true } })
        {
            var fault = await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreSynthesizer.SynthesizeAsync(Nano, folder.Path, other, cancellationToken: Cancellation));
            Assert.Contains("The folder holds a finished store of another model or with other options.", fault.Message, StringComparison.Ordinal);
        }

        Stores.Flip(folder.File("resident.safetensors"), 9000);
        await Assert.ThrowsAsync<StoreCorruptedException>(() => StoreSynthesizer.SynthesizeAsync(Nano, folder.Path, new SyntheticOptions { Layers = 2 }, cancellationToken: Cancellation));
    }

    [Fact]
    public async Task SynthesizeAsync_FaultyOptions_AreAllNamed()
    {
        var fault = await Assert.ThrowsAsync<ArgumentException>(() => StoreSynthesizer.SynthesizeAsync(Nano, "unused", new SyntheticOptions { Layers = 7, Threads = -1 }));

        Assert.Equal("SyntheticOptions: Layers is 7; it must be 1 to 6, the model's layers. Threads is -1; it must be 1 to 1024.", fault.Message);
        Assert.False(Directory.Exists("unused"));
    }

    [Fact]
    public void Plan_ConfigurationThatIsNoModel_IsRefused()
    {
        var impossible = Assert.Throws<ArgumentException>("config", () => StoreSynthesizer.Plan(Nano with { HiddenSize = 0 }));
        var mixed = Assert.Throws<ArgumentException>("config", () => StoreSynthesizer.Plan(Nano with { AttentionBias = true }));

        Assert.StartsWith("The configuration describes no model: config: hidden_size: ", impossible.Message, StringComparison.Ordinal);
        Assert.StartsWith("The configuration holds values that its architecture does not have; make it with ModelConfig.Parse, or change one of KnownModels.", mixed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Plan_SizesOfAStranger_AreRefusedAtOnce()
    {
        var tiny = Nano.Experts! with { GroupCount = 1, KeptGroups = 1, IntermediateSize = 1 };
        var experts = Nano with { HiddenSize = 1, LayerCount = 4096, Experts = tiny with { RoutedCount = 65536 } };
        var wide = Nano with { HiddenSize = 1 << 20, Experts = tiny with { IntermediateSize = 1 << 14 } };

        var many = Assert.Throws<ArgumentException>(() => StoreSynthesizer.Plan(experts));
        var large = Assert.Throws<ArgumentException>(() => StoreSynthesizer.Plan(wide));

        Assert.Equal("The configuration describes a model of more than 60000000000000 parameters or 1500000 experts, far more than any that is known; at least one of its sizes is wrong.", many.Message);
        Assert.Equal("The configuration describes a matrix or an expert that is larger than a store's page can be, 1 GiB; at least one of its sizes is wrong.", large.Message);
    }

    private static async Task<TemporaryFolder> SynthesizeAsync(ModelConfig config, SyntheticOptions? options = null)
    {
        var folder = new TemporaryFolder();
        await StoreSynthesizer.SynthesizeAsync(config, folder.Path, options, cancellationToken: Cancellation);
        return folder;
    }

    /// <summary>All but the model: names, precisions, shapes and places.</summary>
    private static string LayoutOf(TemporaryFolder store) =>
        System.Text.Encoding.UTF8.GetString(StoreManifest.ToJson(StoreManifestReader.Read(store.Path).Layout with { Model = "{}"u8.ToArray() }));

    private sealed class Reports(Action<int> on) : IProgress<ConvertProgress>
    {
        private int _count;

        public ConvertProgress? First { get; private set; }

        public void Report(ConvertProgress value)
        {
            First ??= value;
            on(Interlocked.Increment(ref _count));
        }
    }
}
