using System.Buffers.Binary;
using System.Text;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tests.Checkpoints;

public sealed class SafetensorsMutationTests
{
    private const int HeaderCases = 6_000;
    private const int FileCases = 300;
    private const int IndexCases = 1_500;

    // Names, entries and two dictionaries: a small multiple of the file, and a constant for what the runtime sets up once.
    private const long AllocationPerByte = 64;
    private const long AllocationConstant = 1 << 20;

    [Fact]
    public void Parse_MutatedHeaders_LoadOrAreRefusedInBoundedMemory()
    {
        byte[][] sources = [.. Sources()];
        var random = new Random(20250120);
        var (loaded, refused) = (0, 0);

        for (var i = 0; i < HeaderCases; i++)
        {
            var file = Mutate(sources[i % sources.Length], random);
            if (Try(file.LongLength, $"case {i}", () => RequireInside(SafetensorsBytes.Parse(file), file.Length)))
                loaded++;
            else
                refused++;
        }

        Assert.True(loaded > HeaderCases / 100 && refused > HeaderCases / 4, $"{loaded} loaded, {refused} refused: the mutations are too weak or too strong to say anything.");
    }

    [Fact]
    public void Open_MutatedFiles_LoadOrAreRefused()
    {
        byte[][] sources = [.. Sources()];
        var random = new Random(20250121);
        using var folder = new TemporaryFolder();
        var path = folder.File("model.safetensors");
        var refused = 0;

        for (var i = 0; i < FileCases; i++)
        {
            var bytes = Mutate(sources[i % sources.Length], random);
            File.WriteAllBytes(path, bytes);
            var ok = Try(bytes.LongLength, $"case {i}", () =>
            {
                using var file = SafetensorsFile.Open(path);
                foreach (var tensor in file.Tensors.Values)
                    Assert.Equal(tensor.ByteLength, file.Bytes(tensor).Length);
            });
            refused += ok ? 0 : 1;
        }

        Assert.InRange(refused, FileCases / 4, FileCases);
    }

    [Fact]
    public void ParseIndex_MutatedTexts_LoadOrAreRefusedInBoundedMemory()
    {
        var source = File.ReadAllBytes(Path.Combine(TestPaths.Fixtures, "v2", CheckpointIndex.FileName));
        var random = new Random(20250122);
        var refused = 0;

        for (var i = 0; i < IndexCases; i++)
        {
            var text = Mutation.Apply(source, random);
            var ok = Try(text.LongLength, $"case {i}", () =>
            {
                var index = CheckpointIndex.Parse(text, "index");
                Assert.All(index.Shards, shard => Assert.Equal(shard, Path.GetFileName(shard)));
            });
            refused += ok ? 0 : 1;
        }

        Assert.InRange(refused, IndexCases / 4, IndexCases);
    }

    [Fact]
    public void Parse_DeepNesting_IsRefused()
    {
        var file = SafetensorsBytes.Create("{\"a\": {\"x\": " + new string('[', 2_000_000));

        Assert.Contains("nested more than 16 levels", SafetensorsBytes.Refused(file).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_LongName_IsShownShort()
    {
        var file = SafetensorsBytes.Create("{\"" + new string('n', 1_000_000) + "\": 1}");

        Assert.InRange(SafetensorsBytes.Refused(file).Message.Length, 1, 300);
    }

    [Fact]
    public void Parse_ManyTinyEntries_AllocateASmallMultiple()
    {
        var header = "{" + string.Join(",", Enumerable.Range(0, 50_000).Select(i => $"\"{i:x}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}")) + "}";
        var file = SafetensorsBytes.Create(header);

        Assert.True(Try(file.LongLength, "many entries", () => SafetensorsBytes.Parse(file)));
    }

    // True when it loaded, false when it was refused as it must be; anything else fails the test.
    private static bool Try(long bytes, string label, Action action)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var loaded = true;
        try
        {
            action();
        }
        catch (CheckpointFormatException)
        {
            loaded = false;
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated <= AllocationPerByte * bytes + AllocationConstant, $"{label} allocated {allocated} bytes for {bytes}.");
        return loaded;
    }

    private static void RequireInside(SafetensorsHeader header, long length)
    {
        foreach (var tensor in header.Tensors.Values)
        {
            Assert.InRange(tensor.FileOffset, header.DataOffset, length);
            Assert.InRange(tensor.ByteLength, 0, length - tensor.FileOffset);
        }
    }

    // Damage to the header keeps the stated length true in two of three cases, so that it reaches the parser.
    private static byte[] Mutate(byte[] source, Random random)
    {
        var headerLength = (int)BinaryPrimitives.ReadInt64LittleEndian(source);
        var header = Mutation.Apply(source[8..(8 + headerLength)], random);
        var data = source.AsSpan(8 + headerLength);
        if (random.Next(10) == 0)
            data = data[..random.Next(data.Length + 1)];

        byte[] file = [.. new byte[8], .. header, .. data];
        var stated = random.Next(9) switch
        {
            0 => headerLength,
            1 => random.NextInt64(),
            2 => random.Next(0, file.Length + 10),
            _ => header.Length,
        };
        BinaryPrimitives.WriteInt64LittleEndian(file, stated);
        return file;
    }

    private static IEnumerable<byte[]> Sources()
    {
        yield return SafetensorsBytes.Create("""{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"U8","shape":[],"data_offsets":[24,25]}}""", 25);
        yield return SafetensorsBytes.Create(Encoding.UTF8.GetString([.. "{}"u8, .. new byte[6].Select(_ => (byte)' ')]));
        yield return File.ReadAllBytes(Path.Combine(TestPaths.Fixtures, "bnb-qwen2", "golden.safetensors"));
        yield return File.ReadAllBytes(Path.Combine(TestPaths.Fixtures, "distill-llama", "model.safetensors"));
    }
}
