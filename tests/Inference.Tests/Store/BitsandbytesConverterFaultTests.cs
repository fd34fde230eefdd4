using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Store;

/// <summary>What the converter refuses, and what a folder holds afterwards.</summary>
public sealed class BitsandbytesConverterFaultTests
{
    private const string Marker = "config.json.bnb-unfinished";
    private const string Weight = "model.layers.0.self_attn.o_proj.weight";

    private static string Source => Fixture.Folder("v3-fp8");

    [Fact]
    public async Task ConvertAsync_FolderThatHoldsSomething_IsRefusedAndUntouched()
    {
        using var output = new TemporaryFolder();
        File.WriteAllText(output.File("notes.txt"), "mine");

        var error = await Assert.ThrowsAsync<ArgumentException>(() => Convert(Source, output.Path));

        Assert.StartsWith($"The output folder {output.Path} holds notes.txt; choose a new or empty folder, or empty this one.", error.Message, StringComparison.Ordinal);
        Assert.Equal("outputFolder", error.ParamName);
        Assert.Equal([output.File("notes.txt")], Directory.GetFileSystemEntries(output.Path));
    }

    [Fact]
    public async Task ConvertAsync_FinishedFolder_IsRefused()
    {
        using var output = new TemporaryFolder();
        await Convert(Source, output.Path);

        var error = await Assert.ThrowsAsync<ArgumentException>(() => Convert(Source, output.Path));

        Assert.Contains("holds config.json, model.safetensors;", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConvertAsync_File_IsRefused()
    {
        using var output = new TemporaryFolder();
        File.WriteAllText(output.File("file"), "");

        var error = await Assert.ThrowsAsync<ArgumentException>(() => Convert(Source, output.File("file")));

        Assert.StartsWith($"The output folder {output.File("file")} is a file; choose a new or empty folder.", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Marker)]
    [InlineData(Marker, "model.safetensors.bnb-unfinished.0a1b.partial")]
    [InlineData(Marker, "model-00002-of-00002.safetensors.bnb-unfinished", "model-00001-of-00002.safetensors", "tokenizer.json")] // killed while files took their names
    public async Task ConvertAsync_FolderLeftByAKill_IsDoneAnew(params string[] left)
    {
        using var output = new TemporaryFolder();
        using var fresh = new TemporaryFolder();
        foreach (var name in left)
            File.WriteAllText(output.File(name), "left");
        await Convert(Source, fresh.Path);

        await Convert(Source, output.Path);

        Assert.Equal(["config.json", "model.safetensors"], Directory.GetFiles(output.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(File.ReadAllBytes(fresh.File("config.json")), File.ReadAllBytes(output.File("config.json")));
        Assert.Equal(File.ReadAllBytes(fresh.File("model.safetensors")), File.ReadAllBytes(output.File("model.safetensors")));
    }

    [Theory]
    [InlineData("notes.txt")]
    [InlineData("config.json")] // the unfinished one would have been renamed
    public async Task ConvertAsync_UnfinishedFolderWithSomethingElse_IsRefusedAndUntouched(string other)
    {
        using var output = new TemporaryFolder();
        File.WriteAllText(output.File(Marker), "");
        File.WriteAllText(output.File(other), "mine");

        var error = await Assert.ThrowsAsync<ArgumentException>(() => Convert(Source, output.Path));

        Assert.Contains($"holds {other}; choose a new or empty folder", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, Directory.GetFileSystemEntries(output.Path).Length);
    }

    [Fact]
    public async Task ConvertAsync_FolderOfAnotherConversion_IsRefused()
    {
        using var output = new TemporaryFolder();
        await using var other = new FileStream(output.File(Marker), FileMode.Create, FileAccess.Write, FileShare.None);

        var error = await Assert.ThrowsAsync<ArgumentException>(() => Convert(Source, output.Path));

        Assert.StartsWith($"Another conversion is writing to the output folder {output.Path}; choose another folder, or wait for its end.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConvertAsync_SourceInFourBits_IsRefused()
    {
        using var output = new TemporaryFolder();
        var source = Path.Combine(TestPaths.Fixtures, "bnb-qwen2", "bnb");

        var error = await Assert.ThrowsAsync<ArgumentException>(() => Convert(source, output.Path));

        Assert.StartsWith($"The checkpoint in {source} is in 4 bits of bitsandbytes already; use it as it is, or convert the original.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConvertAsync_Fp8ThatIsLeftAlone_IsNamed()
    {
        using var source = new AlteredCheckpoint("v3-fp8").Set(TensorNames.Embedding, TensorType.F8E4M3, [256, 192]).Write();

        await AssertRefused(source, $"{TensorNames.Embedding}: the type is F8_E4M3; what bitsandbytes leaves alone must be BF16, F16 or F32. Store the tensor in one of these.");
    }

    [Theory]
    [InlineData(new long[] { 64 }, "[64]")]
    [InlineData(new long[] { 0, 64 }, "[0, 64]")]
    [InlineData(new long[] { 2, 2, 16 }, "[2, 2, 16]")]
    public async Task ConvertAsync_LinearLayerOfAnotherShape_IsNamed(long[] shape, string text)
    {
        using var source = new AlteredCheckpoint("v3-fp32").Set(Weight, TensorType.F32, shape).Write();

        await AssertRefused(source, $"{Weight}: the shape is {text}; the weight of a linear layer must have rows and columns, and at most 68719476736 weights.");
    }

    [Fact]
    public async Task ConvertAsync_WeightNotFinite_IsNamedAndNothingIsLeft()
    {
        using var source = new AlteredCheckpoint("v3-fp32").Map(Weight, _ => float.NaN).Write();

        await AssertRefused(source, $"{Weight}: a weight of row 0 or soon after has the magnitude NaN; NF4 needs finite weights.");
    }

    [Fact]
    public async Task ConvertAsync_ConfigurationThatIsNoText_IsNamed()
    {
        using var source = new AlteredCheckpoint("v3-fp32").Write();
        var config = File.ReadAllText(source.File("config.json"));
        File.WriteAllText(source.File("config.json"), config.Insert(config.IndexOf('{', StringComparison.Ordinal) + 1, "\"note\": \"\\ud800\","));

        await AssertRefused(source, "config.json: A text in it is not valid Unicode; fetch it again.");
    }

    [Fact]
    public async Task ConvertAsync_DiskWithTooLittleSpace_SaysSoBeforeItWrites()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Files with holes are made otherwise here.");
        using var source = new AlteredCheckpoint("v3-fp32").Write();
        using var output = new TemporaryFolder();
        var more = DiskSpace.Available(output.Path)!.Value + (1L << 30);
        AppendHole(source.File("model.safetensors"), more);

        var error = await Assert.ThrowsAsync<DiskSpaceException>(() => Convert(source.Path, output.Path));

        Assert.Equal(output.Path, error.Folder);
        Assert.InRange(error.Needed, more, more + (1L << 30));
        Assert.Empty(Directory.EnumerateFileSystemEntries(output.Path));
    }

    [Fact]
    public void ConvertAsync_FaultyOptions_AreAllNamed()
    {
        using var output = new TemporaryFolder();

        var error = Assert.Throws<ArgumentException>(() => { _ = BitsandbytesConverter.ConvertAsync(Source, output.Path, new BitsandbytesOptions { Mode = (Nf4Mode)7, MaxShardBytes = 0 }); });

        Assert.Equal("BitsandbytesOptions: Mode is 7; it must be Searched or Reference. MaxShardBytes is 0; it must be positive.", error.Message);
    }

    private static Task Convert(string source, string output) => BitsandbytesConverter.ConvertAsync(source, output, cancellationToken: TestContext.Current.CancellationToken);

    private static async Task AssertRefused(TemporaryFolder source, string end)
    {
        using var output = new TemporaryFolder();

        var error = await Assert.ThrowsAsync<CheckpointFormatException>(() => Convert(source.Path, output.Path));

        Assert.EndsWith(end, error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(output.Path));
    }

    /// <summary>Adds a tensor of zeros that take no space on the disk.</summary>
    private static void AppendHole(string path, long bytes)
    {
        SafetensorsFile file;
        List<SafetensorsTensor> tensors;
        using (file = SafetensorsFile.Open(path))
        {
            tensors = [.. file.Tensors.Values.OrderBy(tensor => tensor.FileOffset).Select(tensor => new SafetensorsTensor(tensor.Name, tensor.Type, tensor.Shape, file.Bytes(tensor).ToArray()))];
        }

        var header = SafetensorsWriter.CreateHeader([.. tensors, new SafetensorsTensor("hole", TensorType.U8, [bytes], _ => { })], null, SafetensorsWriter.DefaultAlignment);
        using var stream = new FileStream(path, FileMode.Create);
        stream.Write(header);
        foreach (var tensor in tensors)
            tensor.WriteTo(stream);
        stream.SetLength(stream.Position + bytes);
    }
}
