using System.Buffers.Binary;
using System.Text;
using Deepseek.Inference.Checkpoints;

namespace Deepseek.Inference.Tests.Checkpoints;

public sealed class SafetensorsHeaderParserTests
{
    private const string Damaged = "the file is damaged, fetch it again.";

    public static TheoryData<string, int, string> Faults => new()
    {
        { "", 0, "header: It does not begin with '{'; the file is no safetensors file, or damaged." },
        { " {}", 0, "header: It does not begin with '{'; the file is no safetensors file, or damaged." },
        { "[]", 0, "header: It does not begin with '{'; the file is no safetensors file, or damaged." },
        { "{", 0, "header: It is not valid JSON at byte 1; " + Damaged },
        { "{}x", 0, "header: It is not valid JSON at byte 2; " + Damaged },
        { "{} {}", 0, "header: It is not valid JSON at byte 3; " + Damaged },
        { "{\"a\": 3}", 0, "a: Found 3; expected an object with dtype, shape and data_offsets." },
        { "{\"a\": {\"shape\": [1], \"data_offsets\": [0, 1]}}", 1, "a: dtype is missing; a tensor states dtype, shape and data_offsets." },
        { "{\"a\": {\"dtype\": \"U8\", \"data_offsets\": [0, 1]}}", 1, "a: shape is missing; a tensor states dtype, shape and data_offsets." },
        { "{\"a\": {\"dtype\": \"U8\", \"shape\": [1]}}", 1, "a: data_offsets is missing; a tensor states dtype, shape and data_offsets." },
        { "{\"a\": {\"dtype\": \"U8\", \"dtype\": \"I8\", \"shape\": [1], \"data_offsets\": [0, 1]}}", 1, "a: dtype is stated twice; which one counts is unknown." },
        { Tensor("a", "F4", "[1]", "[0, 1]"), 1, "a: dtype is \"F4\"; supported are F64, F32, F16, BF16, F8_E4M3, F8_E5M2, F8_E8M0, I64, I32, I16, I8, U64, U32, U16, U8, BOOL." },
        { "{\"a\": {\"dtype\": 1, \"shape\": [1], \"data_offsets\": [0, 1]}}", 1, "a: Found 1; expected a text for dtype." },
        { Tensor("a", "U8", "1", "[0, 1]"), 1, "a: Found 1; expected a list of sizes for shape." },
        { Tensor("a", "U8", "[-1]", "[0, 1]"), 1, "a: A size of shape is -1; it must be a whole number, 0 to 2^63 - 1." },
        { Tensor("a", "U8", "[1.5]", "[0, 1]"), 1, "a: A size of shape is 1.5; it must be a whole number, 0 to 2^63 - 1." },
        { Tensor("a", "U8", "[9223372036854775808]", "[0, 1]"), 1, "a: A size of shape is 9223372036854775808; it must be a whole number, 0 to 2^63 - 1." },
        { Tensor("a", "U8", "[\"1\"]", "[0, 1]"), 1, "a: A size of shape is a text; it must be a whole number, 0 to 2^63 - 1." },
        { Tensor("a", "U8", "[[1]]", "[0, 1]"), 1, "a: A size of shape is an array; it must be a whole number, 0 to 2^63 - 1." },
        { Tensor("a", "U8", "[null]", "[0, 1]"), 1, "a: A size of shape is null; it must be a whole number, 0 to 2^63 - 1." },
        { Tensor("a", "U8", "[1]", "{}"), 1, "a: Found an object; expected data_offsets of two numbers, begin and end." },
        { Tensor("a", "U8", "[1]", "[0]"), 1, "a: The end of data_offsets is EndArray; it must be a whole number, 0 to 2^63 - 1." },
        { Tensor("a", "U8", "[1]", "[0, 1, 2]"), 1, "a: Found 2; expected data_offsets of two numbers, begin and end." },
        { Tensor("a", "U8", "[1]", "[1, 0]"), 1, "a: data_offsets are [1, 0]; the end must not lie before the begin." },
        { Tensor("a", "F32", "[2, 3]", "[0, 23]"), 23, "a: data_offsets [0, 23] span 23 bytes; shape [2, 3] of F32 needs 24." },
        { Tensor("a", "F64", "[4294967296, 4294967296]", "[0, 1]"), 1, "a: shape [4294967296, 4294967296] of F64 needs more than 2^63 - 1 bytes; no file holds them." },
        { Tensor("a", "F64", "[9223372036854775807, 9223372036854775807, 9223372036854775807]", "[0, 1]"), 1, "a: shape [9223372036854775807, 9223372036854775807, 9223372036854775807] of F64 needs more than 2^63 - 1 bytes; no file holds them." },
        { Tensor("a", "U8", "[1,1,1,1,1,1,1,1,1,1]", "[0, 2]"), 2, "a: data_offsets [0, 2] span 2 bytes; shape [1, 1, 1, 1, 1, 1, 1, 1, … (10 dimensions)] of U8 needs 1." },
        { Tensor("a", "U8", "[0]", "[9223372036854775807, 9223372036854775807]"), 0, "a: data_offsets begin at 9223372036854775807; no file is that long." },
        { Tensor("a", "U8", "[4]", "[4, 8]"), 8, "a: data_offsets begin at 4, 4 bytes after the begin of the data; gaps are not allowed." },
        { Two("[0, 4]", "[5, 9]"), 9, "b: data_offsets begin at 5, 1 bytes after the end of \"a\"; gaps are not allowed." },
        { Two("[0, 4]", "[3, 7]"), 7, "b: data_offsets begin at 3, 1 bytes before the end of \"a\"; tensors must not overlap." },
        { Two("[0, 4]", "[0, 4]"), 4, "b: data_offsets begin at 0, 4 bytes before the end of \"a\"; tensors must not overlap." },
        { Two("[0, 4]", "[4, 8]"), 7, "b: The tensor ends 1 bytes past the end of the file; it is cut short, fetch it again." },
        { Two("[0, 4]", "[4, 8]"), 10, "2 bytes follow the last tensor; the data must end with it. The file is damaged, fetch it again." },
        { "{}", 3, "3 bytes follow the last tensor; the data must end with it. The file is damaged, fetch it again." },
        { Two("[0, 4]", "[4, 8]").Replace("\"b\"", "\"a\"", StringComparison.Ordinal), 8, "a: The tensor is stated twice; which one counts is unknown." },
        { "{\"__metadata__\": 1}", 0, "__metadata__: Found 1; expected an object of texts." },
        { "{\"__metadata__\": {\"format\": 1}}", 0, "__metadata__: Found 1; expected a text for every key." },
        { "{\"__metadata__\": {\"a\": \"\", \"a\": \"\"}}", 0, "__metadata__: \"a\" is stated twice; which one counts is unknown." },
        { "{\"__metadata__\": {}, \"__metadata__\": {}}", 0, "__metadata__: It is stated twice; which one counts is unknown." },
        { "{\"\\ud800\": {}}", 0, "header: A text is not valid Unicode; " + Damaged },
        { "{\"a\": {\"later\": " + "[[[[[[[[[[[[[[[[[[[[" + "]]]]]]]]]]]]]]]]]]]]" + "}}", 0, "header: JSON is nested more than 16 levels deep; a sound file needs three." },
    };

    [Theory, MemberData(nameof(Faults))]
    public void Parse_UnsoundHeader_SaysWhatIsWrong(string header, int dataBytes, string expected)
    {
        var e = SafetensorsBytes.Refused(SafetensorsBytes.Create(header, dataBytes));

        Assert.Equal($"{SafetensorsBytes.File}: {expected}", e.Message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void ReadLength_ShorterThanALength_IsRefused(int bytes)
    {
        var e = SafetensorsBytes.Refused(new byte[bytes]);

        Assert.Equal($"weights.safetensors: The file has {bytes} bytes; a safetensors file begins with 8 bytes of header length. Fetch it again.", e.Message);
    }

    [Theory]
    [InlineData(3UL, "Its length is stated as 3 bytes, but the file holds 2 more; it is cut short, fetch it again.")]
    [InlineData(100_000_000UL, "Its length is stated as 100000000 bytes, but the file holds 2 more; it is cut short, fetch it again.")]
    [InlineData(100_000_001UL, "Its length is stated as 100000001 bytes; at most 100000000 are allowed. The file is no safetensors file, or damaged.")]
    [InlineData(ulong.MaxValue, "Its length is stated as 18446744073709551615 bytes; at most 100000000 are allowed. The file is no safetensors file, or damaged.")]
    public void ReadLength_LongerThanTheFile_IsRefused(ulong length, string expected)
    {
        var file = SafetensorsBytes.Create("{}");
        BinaryPrimitives.WriteUInt64LittleEndian(file, length);

        var e = SafetensorsBytes.Refused(file);

        Assert.Equal("weights.safetensors: header: " + expected, e.Message);
    }

    [Fact]
    public void ReadLength_GitLfsPointer_SaysSo()
    {
        var e = SafetensorsBytes.Refused(Encoding.UTF8.GetBytes("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"));

        Assert.Equal("weights.safetensors: The file is a Git LFS pointer, not the weights; fetch them with \"git lfs pull\" or from the hub.", e.Message);
    }

    [Fact]
    public void Parse_InvalidUtf8_IsRefused()
    {
        var file = SafetensorsBytes.Create(Tensor("a", "U8", "[1]", "[0, 1]"), 1);
        file[10] = 0xFF; // the name

        Assert.Equal("header: A text is not valid Unicode; " + Damaged, SafetensorsBytes.Refused(file).Message[(SafetensorsBytes.File.Length + 2)..]);
    }

    [Fact]
    public void Parse_SoundHeader_GivesEntriesMetadataAndOffset()
    {
        var json = """{"b": {"dtype": "F32", "shape": [2, 2], "data_offsets": [1, 17], "later": {"x": [1, {}]}}, "__metadata__": {"format": "pt"}, "a": {"data_offsets": [0, 1], "shape": [], "dtype": "BOOL"}}   """;

        var header = SafetensorsBytes.Parse(SafetensorsBytes.Create(json, 17));

        var offset = 8 + json.Length;
        Assert.Equal(offset, header.DataOffset);
        Assert.Equal("pt", header.Metadata["format"]);
        var b = header.Tensors["b"];
        Assert.Equal((TensorType.F32, offset + 1L, 16L, 4L, SafetensorsBytes.File), (b.Type, b.FileOffset, b.ByteLength, b.ElementCount, b.File));
        Assert.Equal([2, 2], b.Shape);
        Assert.Empty(header.Tensors["a"].Shape);
        Assert.Equal(1, header.Tensors["a"].ElementCount);
    }

    [Fact]
    public void Parse_EmptyTensors_ShareAnOffsetWithTheirNeighbour()
    {
        var json = """{"b": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}, "a": {"dtype": "F64", "shape": [0, 9223372036854775807], "data_offsets": [0, 0]}, "c": {"dtype": "U8", "shape": [0], "data_offsets": [2, 2]}}""";

        var header = SafetensorsBytes.Parse(SafetensorsBytes.Create(json, 2));

        Assert.Equal(3, header.Tensors.Count);
        Assert.Equal(0, header.Tensors["a"].ElementCount);
    }

    [Fact]
    public void Parse_NoTensors_IsSound()
    {
        Assert.Empty(SafetensorsBytes.Parse(SafetensorsBytes.Create("{}")).Tensors);
    }

    private static string Tensor(string name, string type, string shape, string offsets) =>
        $$$"""{"{{{name}}}": {"dtype": "{{{type}}}", "shape": {{{shape}}}, "data_offsets": {{{offsets}}}}}""";

    // b stands first: neither order nor names decide what overlaps.
    private static string Two(string a, string b) =>
        $$$"""{"b": {"dtype": "F32", "shape": [1], "data_offsets": {{{b}}}}, "a": {"dtype": "I32", "shape": [1], "data_offsets": {{{a}}}}}""";
}
