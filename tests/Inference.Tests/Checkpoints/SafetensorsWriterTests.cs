using System.Text;
using Deepseek.Inference.Checkpoints;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Checkpoints;

public sealed class SafetensorsWriterTests
{
    private const int Properties = 300;

    [Fact]
    public void Write_AnyTensors_AreReadBackUnchanged()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("out.safetensors");
        var tensor = from name in ArbMap.Default.GeneratorFor<NonNull<string>>()
                     from type in Gen.Elements(Enum.GetValues<TensorType>())
                     from shape in Gen.ArrayOf(Gen.Choose(0, 4).Select(size => (long)size)).Where(s => s.Length <= 4)
                     from seed in Gen.Choose(0, int.MaxValue)
                     select (Name: name.Get, type, shape, seed);
        var files = from tensors in Gen.ListOf(tensor)
                    from alignment in Gen.Elements(1, 8, 64, 4096)
                    from text in ArbMap.Default.GeneratorFor<NonNull<string>>()
                    select (tensors, alignment, Text: text.Get);

        Prop.ForAll(files.ToArbitrary(), file =>
        {
            var tensors = file.tensors.Where(t => SafetensorsWriter.IsText(t.Name) && t.Name != "__metadata__").DistinctBy(t => t.Name)
                .Select(t => new SafetensorsTensor(t.Name, t.type, t.shape, Data(t.type, t.shape, t.seed))).ToArray();
            var metadata = SafetensorsWriter.IsText(file.Text) ? new Dictionary<string, string> { [file.Text] = file.Text } : null;

            SafetensorsWriter.Write(path, tensors, metadata, file.alignment);

            using var read = SafetensorsFile.Open(path);
            Assert.Equal(0, read.DataOffset % file.alignment);
            Assert.Equal(metadata ?? [], read.Metadata);
            Assert.Equal(tensors.Length, read.Tensors.Count);
            var offset = read.DataOffset;
            foreach (var expected in tensors)
            {
                var actual = read.Tensors[expected.Name];
                Assert.Equal((expected.Type, offset, expected.ByteLength), (actual.Type, actual.FileOffset, actual.ByteLength));
                Assert.Equal(expected.Shape, actual.Shape);
                using var data = new MemoryStream();
                expected.WriteTo(data);
                Assert.True(read.Bytes(actual).SequenceEqual(data.ToArray()));
                offset += actual.ByteLength;
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(Properties).WithReplay(20250120, 1));
    }

    [Fact]
    public void Write_SmallFile_HasTheFormatsBytes()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("out.safetensors");

        SafetensorsWriter.Write(path, [new SafetensorsTensor("a", TensorType.U8, [3], new byte[] { 1, 2, 3 })]);

        var json = """{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""";
        byte[] expected = [56, 0, 0, 0, 0, 0, 0, 0, .. Encoding.UTF8.GetBytes(json.PadRight(56)), 1, 2, 3];
        Assert.Equal(expected, File.ReadAllBytes(path));
    }

    [Fact]
    public void Write_MetadataInAnotherOrder_GivesTheSameBytes()
    {
        using var folder = new TemporaryFolder();
        SafetensorsTensor[] tensors = [new("b", TensorType.F32, [], new byte[4]), new("a", TensorType.F32, [1], new byte[4])];

        SafetensorsWriter.Write(folder.File("1"), tensors, new Dictionary<string, string> { ["x"] = "1", ["a"] = "2" });
        SafetensorsWriter.Write(folder.File("2"), tensors, new Dictionary<string, string> { ["a"] = "2", ["x"] = "1" });

        Assert.Equal(File.ReadAllBytes(folder.File("1")), File.ReadAllBytes(folder.File("2")));
    }

    [Fact]
    public void Write_Callback_IsAskedInOrder()
    {
        using var folder = new TemporaryFolder();
        SafetensorsTensor[] tensors =
        [
            new("b", TensorType.I16, [2], stream => { stream.WriteByte(1); stream.Write([2, 3, 4], 0, 3); stream.Flush(); }),
            new("a", TensorType.I8, [1], stream => stream.WriteByte(5)),
        ];

        SafetensorsWriter.Write(folder.File("out"), tensors);

        Assert.Equal([1, 2, 3, 4, 5], File.ReadAllBytes(folder.File("out"))[^5..]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Write_CallbackOfAnotherLength_LeavesTheOldFile(int written)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("out");
        File.WriteAllText(path, "old");
        SafetensorsTensor[] tensors = [new("a", TensorType.I8, [2], stream => stream.Write(new byte[written]))];

        var e = Assert.Throws<InvalidOperationException>(() => SafetensorsWriter.Write(path, tensors));

        Assert.Equal($"The callback of \"a\" wrote {written} bytes; its type and shape need 2.", e.Message);
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Write_CallbackThrows_LeavesNothing()
    {
        using var folder = new TemporaryFolder();
        SafetensorsTensor[] tensors = [new("a", TensorType.I8, [2], _ => throw new OperationCanceledException())];

        Assert.Throws<OperationCanceledException>(() => SafetensorsWriter.Write(folder.File("out"), tensors));

        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Write_CallbackSeeksOrReads_Throws()
    {
        using var folder = new TemporaryFolder();
        Action<Stream>[] misuses = [stream => stream.Position = 0, stream => stream.Seek(0, SeekOrigin.Begin), stream => stream.SetLength(0), stream => stream.ReadByte()];

        Assert.All(misuses, misuse => Assert.Throws<NotSupportedException>(() =>
            SafetensorsWriter.Write(folder.File("out"), [new SafetensorsTensor("a", TensorType.I8, [0], misuse)])));
    }

    [Fact]
    public void Write_WrongArguments_SayWhy()
    {
        using var folder = new TemporaryFolder();
        SafetensorsTensor tensor = new("a", TensorType.U8, [0], ReadOnlyMemory<byte>.Empty);

        var twice = Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(folder.File("out"), [tensor, tensor], new Dictionary<string, string> { ["\ud800"] = "" }));
        var alignment = Assert.Throws<ArgumentOutOfRangeException>("alignment", () => SafetensorsWriter.Write(folder.File("out"), [tensor], alignment: 24));

        Assert.StartsWith("The tensor \"a\" is given twice. The metadata entry \"\\ud800\" is not valid Unicode.", twice.Message, StringComparison.Ordinal);
        Assert.StartsWith("The alignment must be a power of two, 1 to 1048576.", alignment.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>("path", () => SafetensorsWriter.Write("", [tensor]));
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Tensor_WrongArguments_SayWhy()
    {
        var data = Assert.Throws<ArgumentException>("data", () => new SafetensorsTensor("a", TensorType.F32, [2], new byte[7]));
        var name = Assert.Throws<ArgumentException>("name", () => new SafetensorsTensor("__metadata__", TensorType.F32, [0], Array.Empty<byte>()));
        var shape = Assert.Throws<ArgumentException>("shape", () => new SafetensorsTensor("a", TensorType.F32, [2, -1], Array.Empty<byte>()));

        Assert.StartsWith("The data of \"a\" have 7 bytes; its type and shape need 8.", data.Message, StringComparison.Ordinal);
        Assert.StartsWith("The name is \"__metadata__\"; it must be valid Unicode and not __metadata__.", name.Message, StringComparison.Ordinal);
        Assert.StartsWith("The shape of \"a\" is [2, -1]; sizes must not be negative, nor the tensor exceed 2^63 - 1 bytes.", shape.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>("shape", () => new SafetensorsTensor("a", TensorType.F64, [long.MaxValue], Array.Empty<byte>()));
        Assert.Throws<ArgumentException>("name", () => new SafetensorsTensor("\udc00", TensorType.F64, [0], Array.Empty<byte>()));
    }

    private static byte[] Data(TensorType type, long[] shape, int seed)
    {
        var data = new byte[shape.Aggregate((long)type.Size(), (product, size) => product * size)];
        new Random(seed).NextBytes(data);
        return data;
    }
}
