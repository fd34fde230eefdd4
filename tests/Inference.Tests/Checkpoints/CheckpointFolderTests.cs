using System.Text;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Tests.Configuration;

namespace Deepseek.Inference.Tests.Checkpoints;

public sealed class CheckpointFolderTests
{
    public static TheoryData<string> Folders => [.. ConfigText.Folders];

    [Theory, MemberData(nameof(Folders))]
    public void Open_EveryModelOfTheRepository_HoldsWhatItsIndexLists(string folder)
    {
        using var checkpoint = CheckpointFolder.Open(folder);

        Assert.Equal(folder, checkpoint.Location);
        Assert.Contains(TensorNames.Embedding, checkpoint.Tensors.Keys);
        Assert.Contains(TensorNames.Layer(0, "input_layernorm.weight"), checkpoint.Tensors.Keys);
        Assert.Equal(Directory.GetFiles(folder, "model*.safetensors").Order(), checkpoint.Files.Order());
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder, "config.json")), checkpoint.ReadConfiguration().ToArray());
        Assert.All(checkpoint.Tensors, entry => Assert.Equal(entry.Key, entry.Value.Name));
    }

    [Fact]
    public unsafe void ReadAndTryMap_TensorInASecondShard_GiveItsBytes()
    {
        using var checkpoint = CheckpointFolder.Open(ConfigText.Folder("v3-fp8"));
        using var shard = SafetensorsFile.Open(Path.Combine(ConfigText.Folder("v3-fp8"), "model-00002-of-000002.safetensors"));
        var name = TensorNames.ScaleOf(TensorNames.Expert(2, 7, "down_proj"));
        var tensor = checkpoint.Tensors[name];
        var expected = shard.Bytes(shard.Tensors[name]).ToArray();
        var read = new byte[expected.Length - 4];

        checkpoint.Read(tensor, 4, read);

        Assert.True(checkpoint.TryMap(tensor, out var address));
        Assert.Equal(expected, new ReadOnlySpan<byte>((void*)address, expected.Length).ToArray());
        Assert.Equal(expected, checkpoint.Bytes(tensor).ToArray());
        Assert.Equal(expected[4..], read);
        Assert.Equal((TensorType.F32, 2), (tensor.Type, tensor.Shape.Count));
    }

    [Fact]
    public void Open_TensorsOutsideTheIndex_AreIgnored()
    {
        using var folder = new TemporaryFolder();
        Write(folder, "a.safetensors", "x", "y");
        WriteIndex(folder, ("x", "a.safetensors"));
        File.WriteAllText(folder.File("b.safetensors"), "not named, so not opened");

        using var checkpoint = CheckpointFolder.Open(folder.Path);

        Assert.Equal(["x"], checkpoint.Tensors.Keys);
        Assert.Equal([folder.File("a.safetensors")], checkpoint.Files);
    }

    [Fact]
    public void Open_MissingShards_NamesThem()
    {
        using var folder = new TemporaryFolder();
        Write(folder, "a.safetensors", "x");
        WriteIndex(folder, [("x", "a.safetensors"), .. Enumerable.Range(0, 7).Select(i => ($"t{i}", $"m{i}.safetensors"))]);

        var e = Assert.Throws<CheckpointFormatException>(() => CheckpointFolder.Open(folder.Path));

        Assert.Equal($"{folder.File(CheckpointIndex.FileName)}: weight_map: 7 of 8 shards are missing: m0.safetensors, m1.safetensors, m2.safetensors, m3.safetensors, m4.safetensors, …; fetch them again.", e.Message);
    }

    [Fact]
    public void Open_TensorNotInItsShard_IsRefused()
    {
        using var folder = new TemporaryFolder();
        Write(folder, "a.safetensors", "x");
        WriteIndex(folder, ("x", "a.safetensors"), ("y", "a.safetensors"));

        var e = Assert.Throws<CheckpointFormatException>(() => CheckpointFolder.Open(folder.Path));

        Assert.Equal($"{folder.File(CheckpointIndex.FileName)}: y: The index places the tensor in a.safetensors, which does not hold it; index and shards are not of one checkpoint.", e.Message);
    }

    [Fact]
    public void Open_TensorInTwoShards_IsRefused()
    {
        using var folder = new TemporaryFolder();
        Write(folder, "a.safetensors", "x");
        Write(folder, "b.safetensors", "x", "y");
        WriteIndex(folder, ("x", "a.safetensors"), ("y", "b.safetensors"));

        var e = Assert.Throws<CheckpointFormatException>(() => CheckpointFolder.Open(folder.Path));

        Assert.Equal($"{folder.File(CheckpointIndex.FileName)}: x: The tensor is in a.safetensors and in b.safetensors; which one counts is unknown. Remove shards of other checkpoints.", e.Message);
    }

    [Fact]
    public void Open_DamagedShard_ClosesTheOthers()
    {
        using var folder = new TemporaryFolder();
        Write(folder, "a.safetensors", "x");
        File.WriteAllText(folder.File("b.safetensors"), "{");
        WriteIndex(folder, ("x", "a.safetensors"), ("y", "b.safetensors"));

        var e = Assert.Throws<CheckpointFormatException>(() => CheckpointFolder.Open(folder.Path));

        Assert.Equal(folder.File("b.safetensors"), e.File);
        using var exclusive = new FileStream(folder.File("a.safetensors"), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Assert.NotEqual(0, exclusive.Length);
    }

    [Theory]
    [InlineData("model-00001-of-00002.safetensors", "They need model.safetensors.index.json, which is published with them.")]
    [InlineData("adapter.safetensors", "They are not named as a checkpoint's: model.safetensors, or shards with model.safetensors.index.json.")]
    [InlineData("DeepSeek-R1-Q4_K_M.gguf", "GGUF is not read; fetch the original safetensors checkpoint.")]
    [InlineData("pytorch_model.bin", "PyTorch's pickled weights are not read, since they can run code; fetch or save them as safetensors.")]
    public void Open_OtherFormat_NamesItAndTheRemedy(string name, string remedy)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File(name), "");

        var e = Assert.Throws<CheckpointFormatException>(() => CheckpointFolder.Open(folder.Path));

        Assert.Equal($"{folder.Path}: The folder holds neither model.safetensors.index.json nor model.safetensors, but {name}. {remedy}", e.Message);
    }

    [Fact]
    public void Open_EmptyOrMissingFolder_SaysSo()
    {
        using var folder = new TemporaryFolder();

        var empty = Assert.Throws<CheckpointFormatException>(() => CheckpointFolder.Open(folder.Path));
        var missing = Assert.Throws<CheckpointFormatException>(() => CheckpointFolder.Open(folder.File("none")));

        Assert.Equal($"{folder.Path}: The folder holds neither model.safetensors.index.json nor model.safetensors; fetch the model's safetensors files into it.", empty.Message);
        Assert.Equal($"{folder.File("none")}: The folder does not exist; it must hold a checkpoint.", missing.Message);
        Assert.Throws<ArgumentException>("folder", () => CheckpointFolder.Open(""));
    }

    [Fact]
    public void Open_HugeIndex_IsRefusedUnread()
    {
        using var folder = new TemporaryFolder();
        using (var file = File.Create(folder.File(CheckpointIndex.FileName)))
            file.SetLength(1L << 40); // sparse: takes no space

        var e = Assert.Throws<CheckpointFormatException>(() => CheckpointFolder.Open(folder.Path));

        Assert.EndsWith("The index has 1099511627776 bytes; at most 100000000 are allowed.", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Members_ForeignEntryOrDisposed_Throw()
    {
        var checkpoint = CheckpointFolder.Open(ConfigText.Folder("v2"));
        using var other = CheckpointFolder.Open(ConfigText.Folder("v2-lite"));
        var foreign = other.Tensors[TensorNames.FinalNorm];
        var own = checkpoint.Tensors[TensorNames.FinalNorm];

        var e = Assert.Throws<ArgumentException>("tensor", () => checkpoint.Read(foreign, 0, new byte[1]));
        checkpoint.Dispose();
        checkpoint.Dispose();

        Assert.StartsWith($"The tensor \"model.norm.weight\" of {foreign.File} is not an entry of {checkpoint.Location}.", e.Message, StringComparison.Ordinal);
        Assert.Throws<ObjectDisposedException>(() => checkpoint.TryMap(own, out _));
        Assert.Throws<ObjectDisposedException>(() => checkpoint.Read(own, 0, new byte[1]));
    }

    [Fact]
    public void ReadConfiguration_Parsed_GivesTheModel()
    {
        using var source = CheckpointFolder.Open(TestPaths.Nano);

        Assert.Equal(6, ModelConfig.Parse(source.ReadConfiguration().Span, source.Location).LayerCount);
    }

    private static void Write(TemporaryFolder folder, string file, params string[] tensors) =>
        SafetensorsWriter.Write(folder.File(file), [.. tensors.Select(name => new SafetensorsTensor(name, TensorType.U8, [2], new byte[] { 1, 2 }))]);

    private static void WriteIndex(TemporaryFolder folder, params (string Tensor, string Shard)[] map) =>
        File.WriteAllText(folder.File(CheckpointIndex.FileName), new StringBuilder("{\"metadata\": {\"total_size\": 2}, \"weight_map\": {")
            .AppendJoin(", ", map.Select(entry => $"\"{entry.Tensor}\": \"{entry.Shard}\"")).Append("}}").ToString());
}
