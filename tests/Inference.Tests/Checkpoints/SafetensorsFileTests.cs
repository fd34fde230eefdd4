using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tests.Checkpoints;

public sealed class SafetensorsFileTests
{
    public static TheoryData<string> Files =>
    [
        .. Directory.GetFiles(TestPaths.Nano, "*.safetensors"),
        .. Directory.GetFiles(TestPaths.Fixtures, "*.safetensors", SearchOption.AllDirectories),
    ];

    [Theory, MemberData(nameof(Files))]
    public void Open_EveryFileOfTheRepository_ReadsAndMapsTheSameBytes(string path)
    {
        var expected = File.ReadAllBytes(path);

        using var file = SafetensorsFile.Open(path);

        Assert.NotEmpty(file.Tensors);
        Assert.Equal((path, expected.LongLength), (file.FilePath, file.Length));
        foreach (var tensor in file.Tensors.Values)
        {
            var bytes = expected.AsSpan((int)tensor.FileOffset, (int)tensor.ByteLength);
            var read = new byte[tensor.ByteLength];
            file.Read(tensor, 0, read);
            Assert.True(bytes.SequenceEqual(read), tensor.Name);
            Assert.True(bytes.SequenceEqual(file.Bytes(tensor)), tensor.Name);
        }
    }

    [Fact]
    public void Open_Golden_ExposesTypeShapeAndMetadata()
    {
        using var golden = SafetensorsFile.Open(Path.Combine(TestPaths.Fixtures, "bnb-qwen2", "golden.safetensors"));
        using var plain = SafetensorsFile.Open(Path.Combine(TestPaths.Fixtures, "bnb-qwen2", "plain", "model.safetensors"));

        Assert.Equal(TensorType.I64, golden.Tensors["ids.33"].Type);
        Assert.Equal(33, golden.Tensors["ids.33"].ElementCount);
        Assert.Empty(golden.Metadata);
        Assert.Equal("pt", plain.Metadata["format"]);
        Assert.Equal(0, golden.DataOffset % 8);
    }

    [Fact]
    public unsafe void Address_Tensor_PointsAtItsFirstByte()
    {
        using var file = SafetensorsFile.Open(Path.Combine(TestPaths.Fixtures, "distill-llama", "model.safetensors"));
        var tensor = file.Tensors[TensorNames.FinalNorm];

        var address = file.Address(tensor);

        Assert.True(new ReadOnlySpan<byte>((void*)address, (int)tensor.ByteLength).SequenceEqual(file.Bytes(tensor)));
    }

    [Fact]
    public void Read_PartOfATensor_GivesThatPart()
    {
        using var file = SafetensorsFile.Open(Path.Combine(TestPaths.Fixtures, "distill-llama", "model.safetensors"));
        var tensor = file.Tensors[TensorNames.FinalNorm];
        var part = new byte[5];

        file.Read(tensor, 3, part);
        file.Read(tensor, tensor.ByteLength, []);

        Assert.True(file.Bytes(tensor).Slice(3, 5).SequenceEqual(part));
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, 129)]
    [InlineData(128, 1)]
    [InlineData(long.MaxValue, 1)]
    public void Read_RangeLeavesTheTensor_Throws(long offset, int count)
    {
        using var file = SafetensorsFile.Open(Path.Combine(TestPaths.Fixtures, "distill-llama", "model.safetensors"));
        var tensor = file.Tensors[TensorNames.FinalNorm]; // 64 values of BF16

        var e = Assert.Throws<ArgumentOutOfRangeException>(nameof(offset), () => file.Read(tensor, offset, new byte[count]));

        Assert.StartsWith($"The range of {count} bytes must lie within the tensor's 128.", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_EntryOfAnotherFile_Throws()
    {
        using var file = SafetensorsFile.Open(Path.Combine(TestPaths.Fixtures, "distill-llama", "model.safetensors"));
        using var other = SafetensorsFile.Open(Path.Combine(TestPaths.Fixtures, "distill-qwen2", "model.safetensors"));
        var foreign = other.Tensors[TensorNames.FinalNorm];
        var forged = file.Tensors[TensorNames.FinalNorm] with { FileOffset = 1L << 40 };

        var e = Assert.Throws<ArgumentException>("tensor", () => file.Bytes(foreign).Length);
        Assert.Throws<ArgumentException>("tensor", () => file.Address(forged));

        Assert.StartsWith($"The tensor \"model.norm.weight\" of {other.FilePath} is not an entry of {file.FilePath}.", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Members_AfterDispose_Throw()
    {
        var file = SafetensorsFile.Open(Path.Combine(TestPaths.Fixtures, "distill-llama", "model.safetensors"));
        var tensor = file.Tensors[TensorNames.FinalNorm];
        file.Dispose();
        file.Dispose();

        Assert.Throws<ObjectDisposedException>(() => file.Bytes(tensor).Length);
        Assert.Throws<ObjectDisposedException>(() => file.Address(tensor));
        Assert.Throws<ObjectDisposedException>(() => file.Read(tensor, 0, new byte[1]));
        Assert.True(file.Tensors.ContainsKey(tensor.Name)); // the header stays
    }

    [Fact]
    public void Open_MissingOrEmptyFile_SaysSo()
    {
        using var folder = new TemporaryFolder();
        var empty = folder.File("empty.safetensors");
        File.WriteAllBytes(empty, []);

        var missing = Assert.Throws<CheckpointFormatException>(() => SafetensorsFile.Open(folder.File("none.safetensors")));
        var zero = Assert.Throws<CheckpointFormatException>(() => SafetensorsFile.Open(empty));

        Assert.Equal($"{folder.File("none.safetensors")}: The file is missing; fetch it again.", missing.Message);
        Assert.Equal($"{empty}: The file has 0 bytes; a safetensors file begins with 8 bytes of header length. Fetch it again.", zero.Message);
        Assert.Throws<ArgumentException>("path", () => SafetensorsFile.Open(""));
    }

    [Fact]
    public void Open_RefusedFile_IsLeftClosed()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("bad.safetensors");
        File.WriteAllBytes(path, SafetensorsBytes.Create("{}", 1));

        Assert.Throws<CheckpointFormatException>(() => SafetensorsFile.Open(path));

        using var exclusive = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Assert.Equal(11, exclusive.Length);
    }

    [Fact]
    public void Bytes_TensorOfMoreThanASpan_PointsToAddress()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("large.safetensors");
        var header = SafetensorsBytes.Create("""{"a":{"dtype":"U8","shape":[2147483648],"data_offsets":[0,2147483648]}}""");
        using (var stream = File.Create(path))
        {
            stream.Write(header);
            stream.SetLength(header.Length + (1L << 31)); // sparse: takes no space
        }

        using var file = SafetensorsFile.Open(path);
        var last = new byte[1];
        file.Read(file.Tensors["a"], int.MaxValue, last);

        var e = Assert.Throws<ArgumentException>("tensor", () => file.Bytes(file.Tensors["a"]).Length);
        Assert.StartsWith("The tensor \"a\" has 2147483648 bytes; a span holds at most 2147483647. Use Address or Read.", e.Message, StringComparison.Ordinal);
        Assert.NotEqual(0, file.Address(file.Tensors["a"]));
    }

    [Fact]
    public async Task Members_ManyThreads_SeeTheSameBytes()
    {
        using var file = SafetensorsFile.Open(Path.Combine(TestPaths.Fixtures, "distill-llama", "model.safetensors"));
        var expected = file.Tensors.Values.ToDictionary(tensor => tensor.Name, tensor => file.Bytes(tensor).ToArray());

        var threads = Enumerable.Range(0, 4).Select(_ => Task.Run(() => file.Tensors.Values.All(tensor =>
        {
            var read = new byte[tensor.ByteLength];
            file.Read(tensor, 0, read);
            return read.SequenceEqual(expected[tensor.Name]) && file.Bytes(tensor).SequenceEqual(expected[tensor.Name]);
        }), TestContext.Current.CancellationToken));

        Assert.All(await Task.WhenAll(threads), Assert.True);
    }
}
