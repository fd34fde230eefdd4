using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Models;
using Deepseek.Inference.Tests.Checkpoints;

namespace Deepseek.Inference.Tests.Models;

public sealed class ModelLoaderTests
{
    private const string Gate = "model.layers.1.mlp.experts.3.gate_proj.weight";

    [Theory]
    [InlineData(null)]
    [InlineData(" ")]
    public async Task LoadAsync_NoPath_IsRefused(string? path) =>
        Assert.Equal("path", (await Assert.ThrowsAnyAsync<ArgumentException>(() => LanguageModel.LoadAsync(path!))).ParamName);

    [Fact]
    public async Task LoadAsync_MissingFolder_IsNamed()
    {
        var fault = await Assert.ThrowsAsync<DirectoryNotFoundException>(() => LanguageModel.LoadAsync("/no/such/folder"));

        Assert.Equal("There is no folder /no/such/folder; a model is a folder with config.json and safetensors files.", fault.Message);
    }

    [Fact]
    public async Task LoadAsync_EmptyFolder_NamesConfigJson()
    {
        using var folder = new TemporaryFolder();

        var fault = await Refused(folder);

        Assert.Equal(folder.File("config.json"), fault.File);
    }

    [Fact]
    public async Task LoadAsync_MissingTensor_SaysWhatIsNeeded()
    {
        using var folder = new AlteredCheckpoint("v3-bf16").Remove(name => name == Gate).Write();

        var fault = await Refused(folder);

        Assert.Equal($"{folder.Path}: {Gate}: the tensor is missing; config.json asks for one of shape [32, 64]. Download the checkpoint again, or correct config.json.", fault.Message);
    }

    [Fact]
    public async Task LoadAsync_WrongShape_NamesBoth()
    {
        using var folder = new AlteredCheckpoint("v3-bf16").Set(Gate, TensorType.BF16, [64, 32]).Write();

        var fault = await Refused(folder);

        Assert.Equal($"{folder.File("model.safetensors")}: {Gate}: the shape is [64, 32]; config.json asks for [32, 64].", fault.Message);
    }

    [Theory]
    [InlineData(TensorType.I64)]
    [InlineData(TensorType.U16)] // torch has no such type at all
    [InlineData(TensorType.F8E8M0)]
    public async Task LoadAsync_WeightOfAnotherType_IsRefused(TensorType type)
    {
        using var folder = new AlteredCheckpoint("v3-bf16").Set(Gate, type, [32, 64]).Write();

        var fault = await Refused(folder);

        Assert.Equal($"{folder.File("model.safetensors")}: {Gate}: the type is {type}; a weight must be F64, F32, F16, BF16 or FP8.", fault.Message);
    }

    [Theory]
    [InlineData("model.norm.weight", TensorType.U32, 64)]
    [InlineData("model.norm.weight", TensorType.I8, 64)]
    [InlineData("model.norm.weight", TensorType.F8E4M3, 64)]
    [InlineData("model.layers.1.mlp.gate.e_score_correction_bias", TensorType.U64, 16)]
    public async Task LoadAsync_VectorOfAnotherType_IsRefused(string name, TensorType type, int length)
    {
        using var folder = new AlteredCheckpoint("v3-bf16").Set(name, type, [length]).Write();

        var fault = await Refused(folder);

        Assert.Equal($"{folder.File("model.safetensors")}: {name}: the type is {type}; norms, biases and scales must be F64, F32, F16 or BF16.", fault.Message);
    }

    [Fact]
    public async Task LoadAsync_Fp8ScalesOfAnotherType_AreRefused()
    {
        var name = "model.layers.0.self_attn.o_proj.weight_scale_inv";
        using var folder = new AlteredCheckpoint("v3-fp8").Set(name, TensorType.F8E8M0, [2, 1]).Write();

        var fault = await Refused(folder);

        Assert.Equal($"{folder.File("model.safetensors")}: {name}: the type is F8E8M0; norms, biases and scales must be F64, F32, F16 or BF16.", fault.Message);
    }

    [Fact]
    public async Task LoadAsync_Fp8WithoutScales_IsRefused()
    {
        var name = "model.layers.0.self_attn.o_proj.weight";
        using var folder = new AlteredCheckpoint("v3-fp8").Remove(tensor => tensor == name + "_scale_inv").Write();

        var fault = await Refused(folder);

        Assert.Equal($"{folder.File("model.safetensors")}: {name}: its block scales, {name}_scale_inv, are missing; config.json's quant_method is fp8, so that the codes alone are no weights. Download the checkpoint again.", fault.Message);
    }

    [Fact]
    public async Task LoadAsync_ScalesBesideAnUnquantizedWeight_AreRefused()
    {
        var name = "model.layers.0.self_attn.o_proj.weight";
        using var bf16 = new AlteredCheckpoint("v3-fp8").Set(name, TensorType.BF16, [192, 64]).Write();
        using var undeclared = new AlteredCheckpoint("v3-fp8").Write(("quantization_config", null));

        var first = await Refused(bf16);
        var second = await Refused(undeclared);

        Assert.Equal($"{bf16.File("model.safetensors")}: {name}: it has block scales ({name}_scale_inv), its type is BF16, and config.json's quantization is fp8; block scales belong to F8_E4M3 weights with quant_method fp8.", first.Message);
        Assert.EndsWith("its type is F8E4M3, and config.json's quantization is absent; block scales belong to F8_E4M3 weights with quant_method fp8.", second.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_OtherClass_NamesTheRightOne()
    {
        var dense = await Assert.ThrowsAsync<CheckpointFormatException>(() => DeepseekModel.LoadAsync(Fixture.Folder("distill-llama")));
        var latent = await Assert.ThrowsAsync<CheckpointFormatException>(() => DenseModel.LoadAsync(Fixture.Folder("v2-lite")));

        Assert.Equal($"{Path.Combine(Fixture.Folder("distill-llama"), "config.json")}: architectures: the model is Llama, which DenseModel computes; load it with DenseModel.LoadAsync or LanguageModel.LoadAsync.", dense.Message);
        Assert.EndsWith("the model is DeepseekV2, which DeepseekModel computes; load it with DeepseekModel.LoadAsync or LanguageModel.LoadAsync.", latent.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_RightClass_Loads()
    {
        using var dense = await DenseModel.LoadAsync(Fixture.Folder("distill-llama"), cancellationToken: TestContext.Current.CancellationToken);
        using var latent = await DeepseekModel.LoadAsync(Fixture.Folder("v3-mtp"), cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(Fixture.Folder("distill-llama"), dense.Location);
        Assert.True(latent.HasMultiTokenPrediction);
    }

    [Fact]
    public async Task LoadAsync_YarnMagnitudesThatReadersComputeDifferently_AreRefused()
    {
        using var folder = new AlteredCheckpoint("v3-bf16").Write(("rope_scaling.mscale", "0.5"), ("rope_scaling.mscale_all_dim", null));

        var fault = await Refused(folder);

        Assert.Equal($"{folder.File("config.json")}: rope_scaling.mscale: it is 0.5 and mscale_all_dim 0 or absent, which published implementations compute differently. State both, or neither.", fault.Message);
    }

    [Fact]
    public async Task LoadAsync_CudaWithoutItsPackage_SaysWhatToReference()
    {
        Assert.SkipUnless(TorchLibraries.Find(TorchLibraries.CudaName) is null, "The tests were built with a CUDA backend.");

        var fault = await Assert.ThrowsAsync<TorchNativeException>(() => LanguageModel.LoadAsync(Fixture.Folder("v2-lite"), new ModelOptions { Device = "cuda" }));

        Assert.Equal("CUDA was asked for, and the application has the CPU backend alone. Reference TorchSharp-cuda-linux or TorchSharp-cuda-windows in place of TorchSharp-cpu (the samples and the tool: -p:TorchBackend=cuda-linux).", fault.Message);
    }

    [Fact]
    public async Task LoadAsync_Progress_NeverFallsAndEndsComplete()
    {
        var progress = new Recorder();
        using var checkpoint = CheckpointFolder.Open(Fixture.Folder("v3-mtp"));
        var options = new ModelOptions { LoadMultiTokenPrediction = false };

        using var model = await DeepseekModel.LoadAsync(Fixture.Folder("v3-mtp"), options, progress, TestContext.Current.CancellationToken);

        var (tensors, bytes) = (checkpoint.Tensors.Count, checkpoint.Tensors.Values.Sum(tensor => tensor.ByteLength));
        Assert.Equal(progress.Reports.OrderBy(report => report.Bytes), progress.Reports);
        Assert.Equal(progress.Reports.Count, progress.Reports.Select(report => report.Tensors).Distinct().Count());
        Assert.All(progress.Reports, report => Assert.Equal((tensors, bytes), (report.TotalTensors, report.TotalBytes)));
        Assert.Equal(new LoadProgress(tensors, tensors, bytes, bytes), progress.Reports[^1]);
        Assert.Equal(progress.Reports[^2].Bytes, model.WeightBytes); // the last tensor taken, before "complete"
        Assert.True(model.WeightBytes < bytes); // the prediction layer was left out
    }

    [Fact]
    public async Task LoadAsync_CancelledWhileLoading_EndsSo()
    {
        using var cancellation = new CancellationTokenSource();
        var progress = new Recorder { After = (10, cancellation.Cancel) };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => LanguageModel.LoadAsync(Fixture.Folder("v2-lite"), null, progress, cancellation.Token));

        Assert.Equal(10, progress.Reports.Count);
    }

    [Fact]
    public async Task LoadAsync_PredictionLayerWithoutItsTensors_LoadsTheRest()
    {
        using var folder = new AlteredCheckpoint("v3-mtp").Remove(name => name.StartsWith("model.layers.3.", StringComparison.Ordinal)).Write();

        using var model = await DeepseekModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken);

        Assert.False(model.HasMultiTokenPrediction);
        Assert.Equal(256, Fixture.Logits(model, [1, 2, 3]).Length);
    }

    [Fact]
    public async Task LoadAsync_PredictionLayerThatShares_UsesTheModelsEmbeddingAndHead()
    {
        var shared = new[] { "model.layers.3.embed_tokens.weight", "model.layers.3.shared_head.head.weight" };
        var whole = new AlteredCheckpoint("v3-mtp");
        Assert.All(shared, name => Assert.Contains(name, whole.Names));
        using var folder = whole.Remove(shared.Contains).Write();

        using var model = await DeepseekModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken);
        using var cache = model.CreatePredictionCache();
        using var logits = model.PredictAfterNext(new[] { 1 }, new float[64], cache);

        Assert.Equal([1, 256], logits.shape);
    }

    [Fact]
    public async Task LoadAsync_PredictionLayerHalfThere_NamesWhatIsMissing()
    {
        using var folder = new AlteredCheckpoint("v3-mtp").Remove(name => name == "model.layers.3.enorm.weight").Write();

        var fault = await Refused(folder);

        Assert.Equal("model.layers.3.enorm.weight", fault.Subject);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(1)]
    public async Task LoadAsync_TensorsAtAnyAddress_ComputeTheSame(int alignment)
    {
        // One odd byte before all others: nothing is aligned any more, so that everything is copied.
        var checkpoint = new AlteredCheckpoint("v3-fp32");
        if (alignment == 1)
            checkpoint.Set("!", TensorType.U8, [1]);
        using var folder = checkpoint.Write(alignment);
        using var original = await Fixture.LoadAsync("v3-fp32");
        using var model = await LanguageModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken);

        // The order of libtorch's sums depends on the alignment of what it sums.
        Fixture.AssertClose(Fixture.Logits(original, Fixture.Ids(40)), Fixture.Logits(model, Fixture.Ids(40)), 1e-5);
    }

    private static Task<CheckpointFormatException> Refused(TemporaryFolder folder) =>
        Assert.ThrowsAsync<CheckpointFormatException>(() => LanguageModel.LoadAsync(folder.Path));

    /// <summary>Unlike <see cref="Progress{T}"/>, called at once and in order.</summary>
    private sealed class Recorder : IProgress<LoadProgress>
    {
        public List<LoadProgress> Reports { get; } = [];

        public (int Count, Action Act)? After { get; init; }

        public void Report(LoadProgress value)
        {
            Reports.Add(value);
            if (After is { } after && after.Count == Reports.Count)
                after.Act();
        }
    }
}
