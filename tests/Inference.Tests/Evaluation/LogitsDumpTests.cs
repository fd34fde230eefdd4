using System.Runtime.InteropServices;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Evaluation;
using Deepseek.Inference.Models;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Evaluation;

public sealed class LogitsDumpTests
{
    private static readonly int[] Ids = Fixture.Ids(20);

    [Fact]
    public async Task Write_LogitsAlone_HoldsThoseOfEveryToken()
    {
        using var folder = new TemporaryFolder();
        using var model = await Fixture.LoadAsync("distill-llama");

        LogitsDump.Write(model, Ids, folder.File("a.safetensors"));

        using var file = SafetensorsFile.Open(folder.File("a.safetensors"));
        Assert.Equal(["logits"], file.Tensors.Keys);
        Assert.Equal(TensorType.F32, file.Tensors["logits"].Type);
        Assert.Equal([20, 256], file.Tensors["logits"].Shape);
        Fixture.AssertSameBits(Fixture.Logits(model, Ids, LogitRows.All), Values<float>(file, "logits"));
    }

    [Fact]
    public async Task Write_Everything_HoldsWhatATraceHolds()
    {
        using var folder = new TemporaryFolder();
        using var model = await DeepseekModel.LoadAsync(Fixture.Folder("v3-mtp"), cancellationToken: TestContext.Current.CancellationToken);
        var options = new LogitsDumpOptions { Hidden = true, Experts = true, MultiTokenPrediction = true, Window = new(8, 2) };

        LogitsDump.Write(model, Ids, folder.File("a.safetensors"), options);

        using var file = SafetensorsFile.Open(folder.File("a.safetensors"));
        using var cache = model.CreateCache(new() { Window = new(8, 2) });
        var trace = new ForwardTrace();
        using var logits = model.Forward(Ids, cache, LogitRows.All, trace);
        Assert.Equal(["experts.1", "experts.2", "hidden.0", "hidden.1", "hidden.2", "hidden.3", "logits", "mtp.logits"], file.Tensors.Keys.Order(StringComparer.Ordinal));
        Fixture.AssertSameBits(logits.ToArray<float>(), Values<float>(file, "logits"));
        Fixture.AssertSameBits([.. trace.Hidden[2]], Values<float>(file, "hidden.2"));
        Assert.Equal(trace.Experts[1].Select(expert => (long)expert), Values<long>(file, "experts.1"));
        Assert.Equal([20, 64], file.Tensors["hidden.3"].Shape);
        Assert.Equal(TensorType.I64, file.Tensors["experts.2"].Type);
        Assert.Equal([20, 4], file.Tensors["experts.2"].Shape);
        Assert.Equal([19, 256], file.Tensors["mtp.logits"].Shape);
    }

    [Fact]
    public async Task Write_Twice_GivesTheSameBytes()
    {
        using var folder = new TemporaryFolder();
        using var model = await Fixture.LoadAsync("v2-lite");
        var options = new LogitsDumpOptions { Hidden = true, Experts = true };

        LogitsDump.Write(model, Ids, folder.File("a.safetensors"), options);
        LogitsDump.Write(model, Ids, folder.File("b.safetensors"), options);

        Assert.Equal(File.ReadAllBytes(folder.File("a.safetensors")), File.ReadAllBytes(folder.File("b.safetensors")));
    }

    [Fact]
    public async Task Write_ExpertsOfADenseModel_AddsNone()
    {
        using var folder = new TemporaryFolder();
        using var model = await Fixture.LoadAsync("distill-qwen2");

        LogitsDump.Write(model, Ids, folder.File("a.safetensors"), new LogitsDumpOptions { Experts = true });

        using var file = SafetensorsFile.Open(folder.File("a.safetensors"));
        Assert.Equal(["logits"], file.Tensors.Keys);
    }

    [Fact]
    public async Task Write_Faults_AreNamedAndWriteNothing()
    {
        using var folder = new TemporaryFolder();
        using var model = await Fixture.LoadAsync("v2-lite");
        using var predicting = await Fixture.LoadAsync("v3-mtp");
        var (path, prediction) = (folder.File("a.safetensors"), new LogitsDumpOptions { MultiTokenPrediction = true });

        var without = Assert.Throws<InvalidOperationException>(() => LogitsDump.Write(model, Ids, path, prediction));
        var one = Assert.Throws<ArgumentException>(() => LogitsDump.Write(predicting, new[] { 1 }, path, prediction));
        var window = Assert.Throws<ArgumentException>(() => LogitsDump.Write(model, Ids, path, new LogitsDumpOptions { Window = new(0) }));
        Assert.Throws<ArgumentException>(() => LogitsDump.Write(model, Array.Empty<int>(), path));
        Assert.Throws<ArgumentOutOfRangeException>(() => LogitsDump.Write(model, new[] { 256 }, path));
        Assert.Throws<ArgumentException>(() => LogitsDump.Write(model, Ids, " "));
        Assert.Throws<ArgumentNullException>(() => LogitsDump.Write(null!, Ids, path));
        Assert.ThrowsAny<OperationCanceledException>(() => LogitsDump.Write(model, Ids, path, cancellationToken: new CancellationToken(canceled: true)));
        Assert.ThrowsAny<IOException>(() => LogitsDump.Write(model, Ids, folder.File("no/folder/a.safetensors")));

        Assert.Equal($"The model in {Fixture.Folder("v2-lite")} has no multi-token-prediction layer; leave it out, or use a checkpoint that has one.", without.Message);
        Assert.Equal("There are 1 tokens; the multi-token-prediction layer needs at least 2, since it sees each token's successor. (Parameter 'ids')", one.Message);
        Assert.Equal("CacheOptions: Window.Recent is 0; it must be at least 1, since a token sees itself.", window.Message);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    private static T[] Values<T>(SafetensorsFile file, string name)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(file.Bytes(file.Tensors[name])).ToArray();
}
