using System.Text.Json;
using Deepseek.Inference.Chat;
using Microsoft.Extensions.AI;

namespace Deepseek.Inference.Tests.Chat.Client;

public sealed class SaidMessagesTests
{
    [Fact]
    public void Of_Text_IsJoined()
    {
        var said = SaidMessages.Of([new(ChatRole.System, "Be brief."), new(ChatRole.User, [new TextContent("a"), new TextContent("b")])]);

        Assert.Equal([("system", "Be brief."), ("user", "ab")], said.Select(message => (message.Role, message.Content!)));
    }

    [Fact]
    public void Of_ReasoningAndCalls_AreFieldsOfTheirOwn()
    {
        var call = new FunctionCallContent("id7", "add", new Dictionary<string, object?> { ["a"] = 1, ["b"] = "zwei" });

        var said = Assert.Single(SaidMessages.Of([new(ChatRole.Assistant, [new TextReasoningContent("hm"), call])]));

        Assert.Null(said.Content);
        Assert.Equal("hm", said.ReasoningContent);
        var written = said.ToolCalls!.Value[0];
        Assert.Equal(("id7", "function", "add"), (written.GetProperty("id").GetString(), written.GetProperty("type").GetString(), written.GetProperty("function").GetProperty("name").GetString()));
        Assert.Equal("""{"a":1,"b":"zwei"}""", written.GetProperty("function").GetProperty("arguments").GetString());
    }

    [Fact]
    public void Of_Results_AreMessagesEach()
    {
        var said = SaidMessages.Of([new(ChatRole.Tool,
        [
            new FunctionResultContent("1", "text"),
            new FunctionResultContent("2", 42),
            new FunctionResultContent("3", JsonSerializer.SerializeToElement("element")),
            new FunctionResultContent("4", null),
            new FunctionResultContent("5", null) { Exception = new InvalidOperationException("broken") },
            new FunctionResultContent("6", new[] { 1, 2 }),
        ])]);

        Assert.All(said, message => Assert.Equal("tool", message.Role));
        Assert.Equal(
            [("1", "text"), ("2", "42"), ("3", "element"), ("4", "null"), ("5", "error: broken"), ("6", "[1,2]")],
            said.Select(message => (message.ToolCallId!, message.Content!)));
    }

    [Fact]
    public void Of_Pictures_AreRefused() => Assert.StartsWith(
        "A message of the role user holds DataContent; the model reads text, reasoning, and calls and results of functions alone.",
        Assert.Throws<ArgumentException>(() => SaidMessages.Of([new(ChatRole.User, [new DataContent(new byte[] { 1 }, "image/png")])])).Message);

    [Fact]
    public void Of_NothingOrNull_IsRefused()
    {
        Assert.StartsWith("There are no messages; a conversation needs at least one.", Assert.Throws<ArgumentException>(() => SaidMessages.Of([])).Message);
        Assert.StartsWith("messages[0] is null; every message must be given.", Assert.Throws<ArgumentException>(() => SaidMessages.Of([null!])).Message);
    }
}
