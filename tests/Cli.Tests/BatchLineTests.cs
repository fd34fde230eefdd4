using System.Text;

namespace Deepseek.Cli.Tests;

public sealed class BatchLineTests
{
    [Fact]
    public void ReadAll_PromptsAndIds_InOrderWithTheirLines()
    {
        using TemporaryFolder folder = new();
        var file = folder.Write("batch.jsonl", "\uFEFF{\"prompt\": \"一\\n\"}\r\n\r\n  \n{\"ids\": [1, 2], \"prompt\": null, \"more\": {}}\n{\"prompt\": \"\"}");

        var lines = BatchLine.ReadAll(file);

        Assert.Equal([$"{file} line 1", $"{file} line 4", $"{file} line 5"], lines.Select(line => line.Where));
        Assert.Equal(["一\n", null, ""], lines.Select(line => line.Prompt));
        Assert.Equal([1, 2], lines[1].Ids!);
    }

    [Theory]
    [InlineData("{\"prompt\": \"a\"", "line 2 is not valid JSON")]
    [InlineData("[1]", "line 2 is an array; it must be a JSON object.")]
    [InlineData("null", "line 2 is null; it must be a JSON object.")]
    [InlineData("{}", "line 2 must have either \"prompt\" or \"ids\".")]
    [InlineData("{\"prompt\": \"a\", \"ids\": [1]}", "line 2 must have either \"prompt\" or \"ids\".")]
    [InlineData("{\"prompt\": 5}", "line 2: \"prompt\" is a number; it must be a string.")]
    [InlineData("{\"prompt\": \"\\ud83d\"}", "line 2: \"prompt\" escapes half of a surrogate pair")]
    [InlineData("{\"ids\": \"1\"}", "line 2: \"ids\" is a string; it must be an array of token ids.")]
    [InlineData("{\"ids\": []}", "line 2: \"ids\" is empty; it needs at least one token id")]
    [InlineData("{\"ids\": [1, 2.5]}", "line 2: \"ids\": element 1 is 2.5; it must be a token id")]
    [InlineData("{\"ids\": [-1]}", "line 2: \"ids\": element 0 is -1; it must be a token id")]
    [InlineData("{\"ids\": [4294967296]}", "line 2: \"ids\": element 0 is 4294967296; it must be a token id")]
    [InlineData("{\"ids\": [true]}", "line 2: \"ids\": element 0 is true; it must be a token id")]
    public void ReadAll_BadLine_IsNamed(string line, string fragment)
    {
        using TemporaryFolder folder = new();
        var file = folder.Write("batch.jsonl", $"{{\"prompt\": \"a\"}}\n{line}\n{{\"prompt\": \"b\"}}\n");

        var fault = Assert.Throws<InvalidDataException>(() => BatchLine.ReadAll(file));

        Assert.StartsWith($"{file} {fragment}", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadAll_LongWrongElement_IsShortened()
    {
        using TemporaryFolder folder = new();
        var file = folder.Write("batch.jsonl", $"{{\"ids\": [\"{new string('a', 10_000)}\"]}}");

        var fault = Assert.Throws<InvalidDataException>(() => BatchLine.ReadAll(file));

        Assert.True(fault.Message.Length < 300, "The message repeats the file.");
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n \n\t\r\n")]
    public void ReadAll_NoLines_IsRefused(string text)
    {
        using TemporaryFolder folder = new();
        var file = folder.Write("batch.jsonl", text);

        var fault = Assert.Throws<InvalidDataException>(() => BatchLine.ReadAll(file));

        Assert.Equal($"{file} has no lines; it needs at least one object with \"prompt\" or \"ids\".", fault.Message);
    }

    [Fact]
    public void ReadAll_NotUtf8_NamesTheByte()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder.File("batch.jsonl"), [.. Encoding.UTF8.GetBytes("{\"prompt\": \""), 0xE9, .. "\"}"u8]); // é in Latin-1

        var fault = Assert.Throws<InvalidDataException>(() => BatchLine.ReadAll(folder.File("batch.jsonl")));

        Assert.Contains("is not UTF-8 text: see byte 13.", fault.Message, StringComparison.Ordinal);
    }
}
