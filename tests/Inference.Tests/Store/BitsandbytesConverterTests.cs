using System.Text;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Models;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Configuration;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Store;

/// <summary>What the converter writes. That it equals what Transformers writes is for the golden tests.</summary>
public sealed class BitsandbytesConverterTests
{
    /// <summary>Both models compute with the same weights; only the order of sums may differ.</summary>
    private const double SameWeights = 1e-5;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Folders => [.. ConfigText.Folders.Where(folder => !folder.EndsWith("bnb", StringComparison.Ordinal))];

    [Theory, MemberData(nameof(Folders))]
    public async Task ConvertAsync_EveryCheckpoint_QuantizesLinearLayersAndLeavesTheRest(string folder)
    {
        using var output = new TemporaryFolder();

        await BitsandbytesConverter.ConvertAsync(folder, output.Path, cancellationToken: Token);

        using var source = CheckpointFolder.Open(folder);
        using var converted = CheckpointFolder.Open(output.Path);
        var config = ModelConfig.Load(folder);
        var names = 0;
        foreach (var entry in source.Tensors.Values.Where(entry => !TensorNames.IsScale(entry.Name)))
        {
            if (IsLinear(entry.Name))
            {
                AssertQuantized(Quantized(source, config, entry, Nf4Mode.Reference), converted, entry.Name);
                names += 6;
                continue;
            }

            var left = converted.Tensors[entry.Name];
            Assert.Equal((entry.Type, string.Join(' ', entry.Shape)), (left.Type, string.Join(' ', left.Shape)));
            Assert.True(source.Bytes(entry).SequenceEqual(converted.Bytes(left)), entry.Name);
            names++;
        }

        Assert.Equal(names, converted.Tensors.Count);
        Assert.Equal(config with { Quantization = null }, ModelConfig.Load(output.Path) with { Quantization = null });
        Assert.Equal("bitsandbytes", ModelConfig.Load(output.Path).Quantization!.Method);
    }

    [Theory]
    [InlineData("v3-fp8")]
    [InlineData("v3-no-qlora")]
    [InlineData("v2")]
    [InlineData("v2-lite")]
    [InlineData("distill-llama")]
    public async Task ConvertAsync_ThenLoad_ComputesWithTheQuantizersWeights(string fixture)
    {
        using var output = new TemporaryFolder();
        await BitsandbytesConverter.ConvertAsync(Fixture.Folder(fixture), output.Path, cancellationToken: Token);
        using var decoded = Decoded(fixture);
        using var expected = await LanguageModel.LoadAsync(decoded.Path, cancellationToken: Token);

        using var actual = await LanguageModel.LoadAsync(output.Path, cancellationToken: Token);

        var ids = Fixture.Ids(40);
        Fixture.AssertClose(Fixture.Logits(expected, ids, LogitRows.All), Fixture.Logits(actual, ids, LogitRows.All), SameWeights);
    }

    /// <summary>Nano was trained: its logits must survive four bits.</summary>
    [Theory]
    [InlineData(Nf4Mode.Reference)]
    [InlineData(Nf4Mode.Searched)]
    public async Task ConvertAsync_TrainedModel_StaysCloseToItself(Nf4Mode mode)
    {
        const double tolerance = 0.06; // of the largest logit: 0.026 and 0.030 were measured
        using var output = new TemporaryFolder();
        await BitsandbytesConverter.ConvertAsync(TestPaths.Nano, output.Path, new BitsandbytesOptions { Mode = mode }, cancellationToken: Token);
        using var original = await LanguageModel.LoadAsync(TestPaths.Nano, cancellationToken: Token);

        using var actual = await LanguageModel.LoadAsync(output.Path, cancellationToken: Token);

        Fixture.AssertClose(Fixture.Logits(original, Nano.Prompts[0]), Fixture.Logits(actual, Nano.Prompts[0]), tolerance);
    }

    [Fact]
    public async Task ConvertAsync_Searched_GivesTheQuantizersSearch()
    {
        using var output = new TemporaryFolder();
        await BitsandbytesConverter.ConvertAsync(Fixture.Folder("v3-fp8"), output.Path, new BitsandbytesOptions { Mode = Nf4Mode.Searched }, cancellationToken: Token);

        using var source = CheckpointFolder.Open(Fixture.Folder("v3-fp8"));
        using var converted = CheckpointFolder.Open(output.Path);
        foreach (var entry in source.Tensors.Values.Where(entry => IsLinear(entry.Name)))
            AssertQuantized(Quantized(source, ModelConfig.Load(Fixture.Folder("v3-fp8")), entry, Nf4Mode.Searched), converted, entry.Name);
    }

    [Theory]
    [InlineData("v3-fp8", "model.layers.2.mlp.experts.7.up_proj.weight", "bfloat16", "[160, 192]")]
    [InlineData("v3-fp32", "model.layers.0.mlp.up_proj.weight", "float32", "[96, 64]")]
    public async Task ConvertAsync_States_NameTheTypeThatWeightsHad(string fixture, string name, string type, string shape)
    {
        using var output = new TemporaryFolder();
        await BitsandbytesConverter.ConvertAsync(Fixture.Folder(fixture), output.Path, cancellationToken: Token);
        using var converted = CheckpointFolder.Open(output.Path);

        var state = Encoding.UTF8.GetString(converted.Bytes(converted.Tensors[$"{name}.quant_state.bitsandbytes__nf4"]));

        Assert.StartsWith($$"""{"quant_type": "nf4", "blocksize": 64, "dtype": "{{type}}", "shape": {{shape}}, "nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": 0.""", state, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConvertAsync_SeveralFiles_AreIndexedAndNoLargerThanAsked()
    {
        const long most = 200_000;
        using var output = new TemporaryFolder();
        using var whole = new TemporaryFolder();
        await BitsandbytesConverter.ConvertAsync(Fixture.Folder("v3-fp8"), whole.Path, cancellationToken: Token);

        await BitsandbytesConverter.ConvertAsync(Fixture.Folder("v3-fp8"), output.Path, new BitsandbytesOptions { MaxShardBytes = most }, cancellationToken: Token);

        using var actual = CheckpointFolder.Open(output.Path);
        using var expected = CheckpointFolder.Open(whole.Path);
        var shards = Directory.GetFiles(output.Path, "model-*.safetensors").Order(StringComparer.Ordinal).ToArray();
        Assert.InRange(shards.Length, 3, 99);
        Assert.EndsWith($"model-00001-of-{shards.Length:D5}.safetensors", shards[0], StringComparison.Ordinal);
        Assert.All(actual.Tensors.Values.GroupBy(tensor => tensor.File), file => Assert.InRange(file.Sum(tensor => tensor.ByteLength), 1, most));
        Assert.Equal(expected.Tensors.Keys.Order(StringComparer.Ordinal), actual.Tensors.Keys.Order(StringComparer.Ordinal));
        Assert.All(expected.Tensors.Values, tensor => Assert.True(expected.Bytes(tensor).SequenceEqual(actual.Bytes(actual.Tensors[tensor.Name])), tensor.Name));
        var index = File.ReadAllText(output.File("model.safetensors.index.json"));
        Assert.Contains($"\"total_size\": {actual.Tensors.Values.Sum(tensor => tensor.ByteLength)}\n  }},\n  \"weight_map\": {{\n    \"lm_head.weight\": \"model-", index, StringComparison.Ordinal);
        Assert.EndsWith(".safetensors\"\n  }\n}\n", index, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConvertAsync_FilesBesideTheWeights_AreCopiedWhereTheyBelongToTheModel()
    {
        using var output = new TemporaryFolder();

        await BitsandbytesConverter.ConvertAsync(TestPaths.Nano, output.Path, cancellationToken: Token);

        Assert.Equal(
            ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"],
            Directory.GetFiles(output.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(File.ReadAllBytes(Path.Combine(TestPaths.Nano, "tokenizer.json")), File.ReadAllBytes(output.File("tokenizer.json")));
    }

    [Fact]
    public async Task ConvertAsync_Progress_GrowsToTheSourcesBytes()
    {
        using var output = new TemporaryFolder();
        var reports = new Reports(_ => { });

        await BitsandbytesConverter.ConvertAsync(Fixture.Folder("v3-fp8"), output.Path, progress: reports, cancellationToken: Token);

        using var source = CheckpointFolder.Open(Fixture.Folder("v3-fp8"));
        var total = source.Tensors.Values.Sum(tensor => tensor.ByteLength);
        Assert.Equal(reports.All.OrderBy(report => report.BytesDone), reports.All);
        Assert.All(reports.All, report => Assert.Equal(total, report.BytesTotal));
        Assert.Equal(total, reports.All[^1].BytesDone);
        Assert.Equal(source.Tensors.Keys.Where(name => !TensorNames.IsScale(name)).Order(StringComparer.Ordinal), reports.All.Select(report => report.Current).Distinct().Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("model.layers.0.mlp.up_proj.weight")] // in the first pass
    [InlineData("model.norm.weight")] // in the second
    public async Task ConvertAsync_Cancelled_LeavesAnEmptyFolder(string at)
    {
        using var output = new TemporaryFolder();
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var reports = new Reports(report =>
        {
            if (report.Current == at)
                cancellation.Cancel();
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => BitsandbytesConverter.ConvertAsync(Fixture.Folder("v3-fp8"), output.Path, progress: reports, cancellationToken: cancellation.Token));

        Assert.Empty(Directory.EnumerateFileSystemEntries(output.Path));
    }

    private static bool IsLinear(string name) =>
        name.StartsWith("model.layers.", StringComparison.Ordinal) && (name.EndsWith("_proj.weight", StringComparison.Ordinal) || name.EndsWith("_proj_with_mqa.weight", StringComparison.Ordinal));

    private static Nf4Tensor Quantized(CheckpointFolder source, ModelConfig config, TensorEntry entry, Nf4Mode mode)
    {
        var weights = new float[entry.ElementCount];
        MatrixRows.Open(source, config, entry.Name, entry.Shape[0], entry.Shape[1]).Read(0, (int)entry.Shape[0], weights);
        return Nf4Quantizer.Quantize(weights, entry.Shape, new Nf4Options { Mode = mode });
    }

    private static void AssertQuantized(Nf4Tensor expected, CheckpointFolder converted, string name)
    {
        var (codes, blockSize, scales) = new BitsandbytesReader(converted).Read(name, expected.Shape[0], expected.Shape[1]);
        var (actual, wanted) = ((Nf4QuantizedScales)scales, (Nf4QuantizedScales)expected.Scales);
        Assert.Equal(64, blockSize);
        Assert.Equal([expected.Codes.Length, 1], codes.Shape);
        Assert.Equal(expected.Codes, converted.Bytes(codes).ToArray());
        Assert.Equal(wanted.Codes, actual.Codes);
        Assert.Equal(wanted.GroupScales, actual.GroupScales);
        Assert.Equal(wanted.Offset, actual.Offset);
    }

    /// <summary>A fixture whose linear layers have what their four bits decode to, in fp32.</summary>
    private static TemporaryFolder Decoded(string fixture)
    {
        using var source = CheckpointFolder.Open(Fixture.Folder(fixture));
        var config = ModelConfig.Load(Fixture.Folder(fixture));
        var altered = new AlteredCheckpoint(fixture).Remove(TensorNames.IsScale);
        foreach (var entry in source.Tensors.Values.Where(entry => IsLinear(entry.Name)))
        {
            var weights = new float[entry.ElementCount];
            Nf4Quantizer.Dequantize(Quantized(source, config, entry, Nf4Mode.Reference), weights);
            altered.Set(entry.Name, TensorType.F32, entry.Shape, System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(weights).ToArray());
        }

        return altered.Write(("quantization_config", null));
    }

    private sealed class Reports(Action<ConvertProgress> action) : IProgress<ConvertProgress>
    {
        public List<ConvertProgress> All { get; } = [];

        public void Report(ConvertProgress value)
        {
            All.Add(value);
            action(value);
        }
    }
}
