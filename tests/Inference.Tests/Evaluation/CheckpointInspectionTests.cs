using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Evaluation;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Evaluation;

public sealed class CheckpointInspectionTests
{
    public static TheoryData<string> Models => ["v3-fp32", "v3-bf16", "v3-fp8", "v3-no-qlora", "v3-mtp", "v2-lite", "v2", "distill-qwen2"];

    [Theory, MemberData(nameof(Models))]
    public void Read_Fixture_CountsWhatTheConfigurationSays(string name)
    {
        using var checkpoint = CheckpointFolder.Open(Fixture.Folder(name));

        var inspection = CheckpointInspection.Read(Fixture.Folder(name));

        Assert.Equal(inspection.Counts.TotalWithPrediction, inspection.Parameters);
        Assert.Equal(checkpoint.Tensors.Values.Sum(tensor => tensor.ByteLength), inspection.Bytes);
        Assert.Equal(checkpoint.Tensors.Count, inspection.Classes.Sum(tensors => tensors.Tensors));
        Assert.Equal(checkpoint.Files.Count, inspection.Files);
        Assert.Equal(inspection.Classes.OrderByDescending(tensors => tensors.Bytes).Select(tensors => tensors.Bytes), inspection.Classes.Select(tensors => tensors.Bytes));
        Assert.DoesNotContain(inspection.Classes, tensors => tensors.Part == "other");
    }

    [Fact]
    public void Read_TiedHeadStoredAllTheSame_CountsWhatTheFilesHold()
    {
        var inspection = CheckpointInspection.Read(Fixture.Folder("distill-llama"));

        Assert.True(inspection.Config.TieWordEmbeddings);
        Assert.Equal(inspection.Counts.TotalWithPrediction + (256 * 64), inspection.Parameters);
    }

    [Fact]
    public void Read_Fp8_TellsPartsAndPrecisionsApart()
    {
        var inspection = CheckpointInspection.Read(Fixture.Folder("v3-fp8"));

        var classes = inspection.Classes.ToDictionary(tensors => (tensors.Part, tensors.Precision));
        Assert.Equal(2 * 8 * 3, classes[("routed-experts", "F8_E4M3")].Tensors);
        Assert.Equal(2L * 8 * 3 * 160 * 192, classes[("routed-experts", "F8_E4M3")].Bytes);
        Assert.Equal(new TensorClass("embedding", "BF16", 1, 256 * 192, 2 * 256 * 192), classes[("embedding", "BF16")]);
        Assert.Equal(2, classes[("router", "F32")].Tensors); // the selection biases
        Assert.Equal(2, classes[("router", "BF16")].Tensors);
        Assert.Contains(("scales", "F32"), classes.Keys);
        Assert.Contains(("shared-experts", "F8_E4M3"), classes.Keys);
        Assert.Contains(("norms", "BF16"), classes.Keys);
        Assert.Contains(("attention", "F8_E4M3"), classes.Keys);
        Assert.Contains(("dense", "F8_E4M3"), classes.Keys);
        Assert.Contains(("head", "BF16"), classes.Keys);
    }

    [Fact]
    public void Read_PredictionLayer_IsAPartOfItsOwn()
    {
        var inspection = CheckpointInspection.Read(Fixture.Folder("v3-mtp"));

        var expected = inspection.Counts.TotalWithPrediction - inspection.Counts.Total;
        Assert.Equal(expected, inspection.Classes.Where(tensors => tensors.Part == "prediction").Sum(tensors => tensors.Parameters));
    }

    [Fact]
    public void Read_UnknownTensor_IsOther()
    {
        using var folder = new AlteredCheckpoint("v2-lite").Set("model.something", TensorType.I64, [3]).Write();

        Assert.Contains(new TensorClass("other", "I64", 1, 3, 24), CheckpointInspection.Read(folder.Path).Classes);
    }

    [Fact]
    public void Read_NoModel_SaysSo()
    {
        using var folder = new TemporaryFolder();

        Assert.Equal("There is no folder /no/such/folder; a model is a folder with config.json and safetensors files.", Assert.Throws<DirectoryNotFoundException>(() => CheckpointInspection.Read("/no/such/folder")).Message);
        Assert.Equal(folder.File(ConfigFile.Name), Assert.Throws<CheckpointFormatException>(() => CheckpointInspection.Read(folder.Path)).File);
    }

    [Fact]
    public async Task Read_PageStore_ShowsItsPrecisions()
    {
        using var folder = new TemporaryFolder();
        await StoreConverter.ConvertAsync(Fixture.Folder("v3-mtp"), folder.Path, cancellationToken: TestContext.Current.CancellationToken);

        var inspection = CheckpointInspection.Read(folder.Path);

        var checkpoint = CheckpointInspection.Read(Fixture.Folder("v3-mtp"));
        Assert.Equal(checkpoint.Parameters, inspection.Parameters);
        Assert.Equal(checkpoint.Counts, inspection.Counts);
        Assert.Contains(("routed-experts", "nf4"), inspection.Classes.Select(tensors => (tensors.Part, tensors.Precision)));
        Assert.Contains(("prediction", "int8"), inspection.Classes.Select(tensors => (tensors.Part, tensors.Precision)));
    }
}
