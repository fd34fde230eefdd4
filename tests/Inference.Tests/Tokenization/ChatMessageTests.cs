using System.Text.Json;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Tokenization;

public sealed class ChatMessageTests
{
    [Fact]
    public void Shorthands_SetRoleAndContent()
    {
        Assert.Equal(("system", "a"), Described(ChatMessage.System("a")));
        Assert.Equal(("user", "b"), Described(ChatMessage.User("b")));
        Assert.Equal(("assistant", "c"), Described(ChatMessage.Assistant("c")));
    }

    [Fact]
    public void Shorthands_Null_Throw()
    {
        Assert.Throws<ArgumentNullException>(() => ChatMessage.User(null!));
        Assert.Throws<ArgumentNullException>(() => new ChatMessage(null!, "a"));
        Assert.Throws<ArgumentNullException>(() => ChatMessage.User("a") with { Role = null! });
    }

    [Fact]
    public void FromJson_AllFields_FillsTheProperties()
    {
        var message = Parse("""
            {"role": "assistant", "content": "c", "reasoning_content": "r", "tool_calls": [{"id": 1}], "tool_call_id": "t", "name": "n", "prefix": true, "note": "x"}
            """);

        Assert.Equal("assistant", message.Role);
        Assert.Equal("c", message.Content);
        Assert.Null(message.ContentParts);
        Assert.Equal("r", message.ReasoningContent);
        Assert.Equal("""[{"id": 1}]""", message.ToolCalls?.GetRawText());
        Assert.Equal("t", message.ToolCallId);
        Assert.Equal("n", message.Name);
        Assert.Equal(["prefix", "note"], message.Extra.Keys);
        Assert.True(message.Extra["prefix"].GetBoolean());
        Assert.Equal("x", message.Extra["note"].GetString());
    }

    [Fact]
    public void FromJson_Parts_AreKeptAsJson()
    {
        var message = Parse("""{"role": "user", "content": [{"type": "text", "text": "hi"}]}""");

        Assert.Null(message.Content);
        Assert.Equal("hi", message.ContentParts?[0].GetProperty("text").GetString());
    }

    [Fact]
    public void FromJson_ReachesTheTemplateAsItWas()
    {
        const string json = """{"content": null, "z": [1, 2.50, {"a": null}], "role": "user", "tool_calls": null, "name": "é"}""";

        Assert.Equal("""{"content": null, "z": [1, 2.5, {"a": null}], "role": "user", "tool_calls": null, "name": "é"}""", Shown(Parse(json)));
    }

    [Fact]
    public void FromJson_WithoutContent_LeavesItUndefined() => Assert.Equal("""{"role": "assistant"}""", Shown(Parse("""{"role": "assistant"}""")));

    [Fact]
    public void Constructor_WithoutContent_GivesNone() => Assert.Equal("""{"role": "assistant", "content": null}""", Shown(new ChatMessage("assistant", null)));

    [Fact]
    public void FromJson_NameGivenTwice_KeepsTheLastValue() => Assert.Equal("b", Parse("""{"role": "a", "content": "x", "role": "b"}""").Role);

    [Fact]
    public void FromJson_OutlivesItsDocument()
    {
        ChatMessage message;
        using (var document = JsonDocument.Parse("""{"role": "user", "content": [{"type": "text", "text": "hi"}], "tool_calls": [1], "e": [2]}"""))
            message = ChatMessage.FromJson(document.RootElement);

        Assert.Equal("""{"role": "user", "content": [{"type": "text", "text": "hi"}], "tool_calls": [1], "e": [2]}""", Shown(message));
    }

    [Fact]
    public void With_ChangesOneMessageOnly()
    {
        using var json = JsonDocument.Parse("""{"calls": [1], "parts": [{"type": "text"}], "extra": true}""");
        var original = ChatMessage.User("a");

        var changed = original with
        {
            ReasoningContent = "r",
            ToolCalls = json.RootElement.GetProperty("calls"),
            ContentParts = json.RootElement.GetProperty("parts"),
            ToolCallId = "t",
            Name = "n",
            Extra = new Dictionary<string, JsonElement> { ["prefix"] = json.RootElement.GetProperty("extra") },
        };

        Assert.Equal("""{"role": "user", "content": "a"}""", Shown(original));
        Assert.Equal("""{"role": "user", "content": [{"type": "text"}], "reasoning_content": "r", "tool_calls": [1], "tool_call_id": "t", "name": "n", "prefix": true}""", Shown(changed));
    }

    [Fact]
    public void With_Extra_ReplacesWhatWasThere()
    {
        var message = Parse("""{"role": "user", "content": "a", "old": 1}""") with { Extra = new Dictionary<string, JsonElement>() };

        Assert.Equal(ChatMessage.User("a"), message);
    }

    [Fact]
    public void With_ExtraOfAKnownName_Throws()
    {
        using var json = JsonDocument.Parse("1");
        var element = json.RootElement;

        var fault = Assert.Throws<ArgumentException>(() => ChatMessage.User("a") with { Extra = new Dictionary<string, JsonElement> { ["name"] = element } });

        Assert.StartsWith("Extra holds 'name'; it must hold fields without a property of their own, each with JSON from a parsed document.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Equals_ComparesFieldsByValue()
    {
        var message = Parse("""{"role": "user", "content": "a", "tool_calls": [{"b": 1.0}]}""");

        Assert.Equal(message, Parse("""{"tool_calls": [ {"b": 1.0} ], "content": "a", "role": "user"}"""));
        Assert.Equal(message.GetHashCode(), Parse("""{"tool_calls": [ {"b": 1.0} ], "content": "a", "role": "user"}""").GetHashCode());
        Assert.NotEqual(message, Parse("""{"role": "user", "content": "a", "tool_calls": [{"b": 2}]}"""));
        Assert.NotEqual(message, ChatMessage.User("a"));
        Assert.NotEqual(ChatMessage.User("a"), ChatMessage.User("b"));
        Assert.NotEqual(ChatMessage.User("a"), ChatMessage.System("a"));
    }

    [Fact]
    public void ParseMessages_Array_GivesEveryMessage()
    {
        var messages = ChatMessage.ParseMessages("""[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]""");

        Assert.Equal([ChatMessage.User("a"), ChatMessage.Assistant("b")], messages);
    }

    [Theory]
    [InlineData("""{"role": "user"}""", "The messages are an object; they must be an array of objects such as {\"role\": \"user\", \"content\": \"Hello\"}.")]
    [InlineData("[1]", "messages[0] is a number; it must be an object such as {\"role\": \"user\", \"content\": \"Hello\"}.")]
    [InlineData("""[{"role": "user"}, {"content": "a"}]""", "messages[1].role is missing; it must be a string such as user.")]
    [InlineData("""[{"role": null}]""", "messages[0].role is null; it must be a string such as user.")]
    [InlineData("""[{"role": "user", "content": 5}]""", "messages[0].content is a number; it must be a string, null, or an array of parts such as {\"type\": \"text\", \"text\": \"Hello\"}.")]
    [InlineData("""[{"role": "user", "content": [1]}]""", "messages[0].content[0] is a number; it must be an object such as {\"type\": \"text\", \"text\": \"Hello\"}.")]
    [InlineData("""[{"role": "user", "content": [{"type": "text"}, {"text": "a"}]}]""", "messages[0].content[1] is without a type; it must be an object such as {\"type\": \"text\", \"text\": \"Hello\"}.")]
    [InlineData("""[{"role": "user", "tool_calls": {}}]""", "messages[0].tool_calls is an object; it must be an array or null.")]
    [InlineData("""[{"role": "user", "name": true, "reasoning_content": []}]""", "messages[0].name is a boolean; it must be a string or null. messages[0].reasoning_content is an array; it must be a string or null.")]
    [InlineData("[{\"role\": \"\\ud800\"}]", "messages[0] holds a string that escapes half of a surrogate pair; it must be valid Unicode.")]
    public void ParseMessages_Fault_NamesTheMessageAndWhatWasExpected(string json, string message)
    {
        var fault = Assert.Throws<ArgumentException>(() => ChatMessage.ParseMessages(json));

        Assert.StartsWith(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ParseMessages_NoJson_KeepsTheCause()
    {
        var fault = Assert.Throws<ArgumentException>(() => ChatMessage.ParseMessages("[{]"));

        Assert.StartsWith("The messages are no valid JSON: ", fault.Message, StringComparison.Ordinal);
        Assert.IsType<JsonException>(fault.InnerException, exactMatch: false);
    }

    [Fact]
    public void FromJson_EmptyElement_Throws()
    {
        var fault = Assert.Throws<ArgumentException>(() => ChatMessage.FromJson(default));

        Assert.StartsWith("message is an empty JSON element; it must be an object such as ", fault.Message, StringComparison.Ordinal);
    }

    private static ChatMessage Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return ChatMessage.FromJson(document.RootElement);
    }

    private static (string Role, string? Content) Described(ChatMessage message) => (message.Role, message.Content);

    private static string Shown(ChatMessage message) => ChatTemplate.Parse("{{ messages[0] | tojson }}").Render([message], new ChatTemplateOptions());
}
