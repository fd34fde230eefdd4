using System.Text.Json;
using Deepseek.Inference.Tests;

namespace Deepseek.Cli.Tests.Commands;

public sealed class TokenizeCommandTests
{
    private const int Texts = 50;

    [Fact]
    public async Task Lines_ReferenceTexts_GiveTheirIdsAndDecodings()
    {
        var reference = File.ReadLines(Path.Combine(TestPaths.Nano, "encodings.jsonl")).Take(Texts).ToList();
        using TemporaryFolder folder = new();
        var lines = folder.Write("lines.jsonl", string.Join('\n', reference));

        var result = await Tool.RunAsync("tokenize", "--model", TestPaths.Nano, "--lines", lines, "--json");

        result.AssertSuccess();
        Assert.Equal(Texts, result.Objects.Count);
        foreach (var (line, actual) in reference.Zip(result.Objects))
        {
            using var expected = JsonDocument.Parse(line);
            Assert.Equal(["ids", "decoded"], actual.EnumerateObject().Select(member => member.Name));
            Assert.Equal(Ids(expected.RootElement), Ids(actual));
            Assert.Equal(expected.RootElement.GetProperty("decoded").GetString(), actual.GetProperty("decoded").GetString());
        }
    }

    public static TheoryData<int> Conversations => [.. Enumerable.Range(0, 10)];

    [Theory, MemberData(nameof(Conversations))]
    public async Task Messages_ReferenceConversation_AreRenderedAsThere(int index)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(TestPaths.Nano, "chat_templates.json")));
        var conversation = document.RootElement.GetProperty("cases")[index];
        using var folder = new TemporaryFolder().With(TestPaths.Nano, "tokenizer.json", "tokenizer_config.json"); // nothing else is needed
        var messages = folder.Write("messages.json", conversation.GetProperty("messages").GetRawText());
        string[] ending = conversation.GetProperty("add_generation_prompt").GetBoolean() ? [] : ["--no-generation-prompt"];

        var result = await Tool.RunAsync(["tokenize", "--model", folder.Path, "--messages", messages, "--json", .. ending]);

        result.AssertSuccess();
        var actual = Assert.Single(result.Objects);
        Assert.Equal(["ids", "decoded", "rendered"], actual.EnumerateObject().Select(member => member.Name));
        Assert.Equal(conversation.GetProperty("rendered").GetString(), actual.GetProperty("rendered").GetString());
        Assert.Equal(actual.GetProperty("rendered").GetString(), actual.GetProperty("decoded").GetString());
    }

    [Fact]
    public async Task Text_PlainAndJson_AddNoTokensAndKeepSpecialOnes()
    {
        var plain = await Tool.RunAsync("tokenize", "--text", "Hello, world!");
        var special = await Tool.RunAsync("tokenize", "--text", "a<｜end▁of▁sentence｜>", "--json");
        var empty = await Tool.RunAsync("tokenize", "--text", "", "--json");

        Assert.Equal("46 575 85 18 1108 7\n", plain.Out); // the first line of encodings.jsonl
        Assert.Equal("a<｜end▁of▁sentence｜>", special.Objects.Single().GetProperty("decoded").GetString());
        Assert.Equal(2, Ids(special.Objects.Single()).Length);
        Assert.Empty(Ids(empty.Objects.Single()));
    }

    [Fact]
    public async Task Json_ControlCharacters_AreEscaped()
    {
        var result = await Tool.RunAsync("tokenize", "--text", "\u001b[2J\u009b\u2028", "--json");

        result.AssertSuccess();
        Assert.DoesNotContain(result.Out.TrimEnd('\n'), char.IsControl);
        Assert.Equal("\u001b[2J\u009b\u2028", result.Objects.Single().GetProperty("decoded").GetString());
    }

    [Fact]
    public async Task Tools_WithoutAUseInTheTemplate_AreReadAllTheSame()
    {
        using TemporaryFolder folder = new();
        var messages = folder.Write("messages.json", "[{\"role\": \"user\", \"content\": \"Hello\"}]");

        var result = await Tool.RunAsync("tokenize", "--messages", messages, "--tools", folder.Write("tools.json", "[{\"type\": \"function\"}]"));
        var wrong = await Tool.RunAsync("tokenize", "--messages", messages, "--tools", folder.Write("wrong.json", "{}"));

        result.AssertSuccess();
        wrong.AssertFault(DeepseekTool.Fault, "wrong.json must be a JSON array of tools.");
    }

    [Theory]
    [InlineData("{\"txt\": \"a\"}", "line 2 has no \"text\".")]
    [InlineData("{\"text\": 5}", "line 2: \"text\" is a number; it must be a string.")]
    [InlineData("\"a\"", "line 2 is a string; it must be a JSON object.")]
    public async Task Lines_BadLine_IsNamedBeforeAnythingIsPrinted(string line, string fragment)
    {
        using TemporaryFolder folder = new();

        var result = await Tool.RunAsync("tokenize", "--json", "--lines", folder.Write("lines.jsonl", $"{{\"text\": \"a\"}}\n{line}"));

        result.AssertFault(DeepseekTool.Fault, fragment);
    }

    [Theory]
    [InlineData("{}", "they must be an array of objects")]
    [InlineData("[{\"content\": \"a\"}]", "messages[0].role is missing")]
    [InlineData("[", "no valid JSON")]
    public async Task Messages_AtFault_AreRefused(string text, string fragment)
    {
        using TemporaryFolder folder = new();

        var result = await Tool.RunAsync("tokenize", "--messages", folder.Write("messages.json", text));

        result.AssertFault(DeepseekTool.Fault, fragment);
        Assert.Contains("messages.json", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Messages_FolderWithoutTemplate_NamesTheKey()
    {
        using var folder = new TemporaryFolder().With(TestPaths.Nano, "tokenizer.json");
        var messages = folder.Write("messages.json", "[{\"role\": \"user\", \"content\": \"Hello\"}]");

        var result = await Tool.RunAsync("tokenize", "--model", folder.Path, "--messages", messages);
        var text = await Tool.RunAsync("tokenize", "--model", folder.Path, "--text", "Hello");

        result.AssertFault(DeepseekTool.Fault, "tokenizer_config.json: chat_template: ");
        text.AssertSuccess();
    }

    private static int[] Ids(JsonElement line) => [.. line.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
}
