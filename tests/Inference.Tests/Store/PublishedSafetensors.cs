using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace Deepseek.Inference.Tests.Store;

/// <summary>A reader of safetensors files written from the format's description alone (huggingface/safetensors, README, "Format"), and as strict as its rules.</summary>
/// <remarks>It shares nothing with the library: it stands for everybody else's reader.</remarks>
internal sealed class PublishedSafetensors
{
    private static readonly Dictionary<string, int> Sizes = new()
    {
        ["BOOL"] = 1, ["U8"] = 1, ["I8"] = 1, ["F8_E4M3"] = 1, ["F8_E5M2"] = 1, ["U16"] = 2, ["I16"] = 2, ["F16"] = 2, ["BF16"] = 2,
        ["U32"] = 4, ["I32"] = 4, ["F32"] = 4, ["U64"] = 8, ["I64"] = 8, ["F64"] = 8,
    };

    private readonly byte[] _data;

    public PublishedSafetensors(string path)
    {
        var file = File.ReadAllBytes(path);

        // 8 bytes: N, an unsigned little-endian 64-bit integer, the size of the header; at most 100 MB.
        var size = BinaryPrimitives.ReadUInt64LittleEndian(file);
        Assert.InRange(size, 2u, Math.Min(100_000_000u, (ulong)file.Length - 8));
        DataOffset = 8 + (int)size;

        // N bytes: JSON as UTF-8, which begins with "{" and may be padded with spaces.
        var header = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(file, 8, (int)size);
        Assert.StartsWith("{", header, StringComparison.Ordinal);
        Assert.EndsWith("}", header.TrimEnd(' '), StringComparison.Ordinal);
        using var document = JsonDocument.Parse(header);
        HashSet<string> names = [];
        foreach (var member in document.RootElement.EnumerateObject())
        {
            Assert.True(names.Add(member.Name), $"{member.Name} appears twice.");
            if (member.Name == "__metadata__")
                Assert.All(member.Value.EnumerateObject(), entry => Assert.Equal(JsonValueKind.String, entry.Value.ValueKind));
            else
                Tensors.Add(member.Name, Read(member.Value));
        }

        // The rest: no byte without a tensor, none with two.
        _data = file[DataOffset..];
        long end = 0;
        foreach (var tensor in Tensors.Values.OrderBy(tensor => tensor.Begin).ThenBy(tensor => tensor.End))
        {
            Assert.Equal(end, tensor.Begin);
            end = tensor.End;
        }

        Assert.Equal(_data.Length, end);
    }

    /// <summary>First byte of the data in the file.</summary>
    public int DataOffset { get; }

    public Dictionary<string, (string Type, long[] Shape, long Begin, long End)> Tensors { get; } = new(StringComparer.Ordinal);

    public byte[] Bytes(string name) => _data[(int)Tensors[name].Begin..(int)Tensors[name].End];

    private static (string Type, long[] Shape, long Begin, long End) Read(JsonElement tensor)
    {
        Assert.Equal(["data_offsets", "dtype", "shape"], tensor.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal));
        var type = tensor.GetProperty("dtype").GetString()!;
        long[] shape = [.. tensor.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
        long[] offsets = [.. tensor.GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt64())];
        Assert.Equal(2, offsets.Length);
        Assert.Equal(shape.Aggregate(1L, (product, size) => checked(product * size)) * Sizes[type], offsets[1] - offsets[0]);
        return (type, shape, offsets[0], offsets[1]);
    }
}
