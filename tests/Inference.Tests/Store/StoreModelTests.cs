using Deepseek.Inference.Caching;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Models;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Store;

/// <summary>Models loaded from stores.</summary>
public sealed class StoreModelTests
{
    // A checkpoint is computed in fp32 over an fp32 cache; a store only where that is asked for.
    private static readonly CacheOptions Unrounded = new() { Precision = CachePrecision.Float32 };

    public static MatrixTheoryData<string, ComputeOperations> Checkpoints => new(
        ["v3-fp32", "v3-bf16", "v3-fp8", "v3-no-yarn", "v3-no-qlora", "v3-mtp", "v2-lite", "v2", "distill-qwen2", "distill-llama"],
        [ComputeOperations.Cpu, ComputeOperations.Torch]);

    [Theory, MemberData(nameof(Checkpoints))]
    public async Task LoadAsync_StoreOfUnchangedWeights_GivesTheCheckpointsBits(string name, ComputeOperations operations)
    {
        using var folder = await Stores.ConvertAsync(Fixture.Folder(name), Stores.Unchanged);
        using var checkpoint = await Fixture.LoadAsync(name, Exact(operations));
        using var store = await LanguageModel.LoadAsync(folder.Path, Exact(operations), cancellationToken: TestContext.Current.CancellationToken);
        var ids = Fixture.Ids(33);

        var expected = Fixture.Logits(checkpoint, ids, LogitRows.All);
        var actual = Fixture.Logits(store, ids, LogitRows.All, Unrounded);

        Fixture.AssertSameBits(expected, actual);
        Assert.Equal(checkpoint.Config with { Quantization = null, DataType = null }, store.Config);
    }

    [Theory]
    [InlineData(ComputeOperations.Cpu)]
    [InlineData(ComputeOperations.Torch)]
    public async Task LoadAsync_FourBitCheckpoint_KeepsItsBits(ComputeOperations operations)
    {
        var plain = Path.Combine(Fixture.Folder("bnb-qwen2"), "bnb");
        // down_proj has rows of 352 columns, which bitsandbytes' blocks cross: it cannot stay as it is.
        using var folder = await Stores.ConvertAsync(plain, Stores.Unchanged with { Dense = StorePrecision.F32 });
        using var checkpoint = await LanguageModel.LoadAsync(plain, Exact(operations), cancellationToken: TestContext.Current.CancellationToken);
        using var store = await LanguageModel.LoadAsync(folder.Path, Exact(operations), cancellationToken: TestContext.Current.CancellationToken);
        var ids = Fixture.Ids(33);

        Fixture.AssertSameBits(Fixture.Logits(checkpoint, ids, LogitRows.All), Fixture.Logits(store, ids, LogitRows.All));
    }

    [Theory]
    [InlineData(ComputeOperations.Cpu)]
    [InlineData(ComputeOperations.Torch)]
    public async Task LoadAsync_WithPrediction_PredictsAsTheCheckpoint(ComputeOperations operations)
    {
        using var folder = await Stores.ConvertAsync(Fixture.Folder("v3-mtp"), Stores.Unchanged);
        using var checkpoint = (DeepseekModel)await Fixture.LoadAsync("v3-mtp", Exact(operations));
        using var store = await DeepseekModel.LoadAsync(folder.Path, Exact(operations), cancellationToken: TestContext.Current.CancellationToken);

        Assert.True(store.HasMultiTokenPrediction);
        Fixture.AssertSameBits(Predict(checkpoint), Predict(store));
    }

    [Fact]
    public async Task LoadAsync_WithoutPrediction_HasNone()
    {
        using var folder = await Stores.ConvertAsync(Fixture.Folder("v3-mtp"), Stores.Unchanged with { Prediction = null });
        using var store = await DeepseekModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken);

        Assert.False(store.HasMultiTokenPrediction);
        Assert.False(File.Exists(folder.File("prediction.safetensors")));
    }

    [Theory]
    [InlineData(StorePrecision.Nf4, 0.8)]
    [InlineData(StorePrecision.Int8, 0.06)]
    [InlineData(StorePrecision.Int8Block, 0.06)]
    [InlineData(StorePrecision.Fp8, 0.2)]
    [InlineData(StorePrecision.BF16, 0.02)]
    [InlineData(StorePrecision.F16, 0.01)]
    [InlineData(StorePrecision.F32, 0)]
    public async Task LoadAsync_EveryPrecision_IsAsCloseAsItsBitsAllow(StorePrecision precision, double tolerance)
    {
        using var folder = await Stores.ConvertAsync(Fixture.Folder("distill-llama"), Stores.All(precision));
        using var checkpoint = await Fixture.LoadAsync("distill-llama");
        using var store = await LanguageModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken);
        var ids = Fixture.Ids(9);

        Fixture.AssertClose(Fixture.Logits(checkpoint, ids), Fixture.Logits(store, ids), tolerance);
    }

    [Fact]
    public async Task LoadAsync_FlippedBit_IsFound()
    {
        using var folder = await Stores.ConvertAsync(Fixture.Folder("v3-fp32"));
        var shard = folder.File("experts-002.safetensors");
        Stores.Flip(shard, new FileInfo(shard).Length - 5000);

        var fault = await Assert.ThrowsAsync<StoreCorruptedException>(() => LanguageModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(shard, fault.File);
        Assert.NotEqual(fault.Expected, fault.Actual);
        Assert.Equal($"{shard}: page {fault.Page}: the checksum is {fault.Actual}; it must be {fault.Expected}. The file is damaged: mend it with deepseek verify STORE --repair CHECKPOINT.", fault.Message);
    }

    [Fact]
    public async Task LoadAsync_ShardCutShortOrMissing_IsNamed()
    {
        using var folder = await Stores.ConvertAsync(Fixture.Folder("v3-fp32"));
        var shard = folder.File("resident.safetensors");
        var length = new FileInfo(shard).Length;
        using (var file = new FileStream(shard, FileMode.Open))
            file.SetLength(length - 1);
        var cut = await Assert.ThrowsAsync<CheckpointFormatException>(() => LanguageModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken));
        File.Delete(shard);
        var missing = await Assert.ThrowsAsync<CheckpointFormatException>(() => LanguageModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(FormattableString.Invariant($"{shard}: The shard has {length - 1} bytes; store.json says {length}. It was cut short or changed: fetch it again, or mend the store with deepseek verify STORE --repair CHECKPOINT."), cut.Message);
        Assert.Equal($"{shard}: The shard is missing. Fetch it again, or mend the store with deepseek verify STORE --repair CHECKPOINT.", missing.Message);
    }

    [Fact]
    public async Task LoadAsync_Unfinished_SaysHowToFinish()
    {
        using var folder = await Stores.ConvertAsync(Fixture.Folder("v3-fp32"));
        File.Move(folder.File("store.json"), folder.File("convert.journal"));

        var verify = await Assert.ThrowsAsync<CheckpointFormatException>(() => StoreVerifier.VerifyAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal($"{folder.Path}: The store is not finished: its conversion was interrupted. Give the same deepseek convert command again; what is complete is kept.", verify.Message);
    }

    private static ModelOptions Exact(ComputeOperations operations) => new() { Operations = operations, Activations = ActivationPrecision.Fp32 };

    private static float[] Predict(DeepseekModel model)
    {
        using var cache = model.CreatePredictionCache(Unrounded);
        var random = new Random(3);
        var hidden = Enumerable.Range(0, 5 * model.Config.HiddenSize).Select(_ => (float)random.NextDouble() - 0.5f).ToArray();
        using var logits = model.PredictAfterNext(new[] { 1, 2, 3, 4, 5 }, hidden, cache);
        return logits.data<float>().ToArray();
    }
}
