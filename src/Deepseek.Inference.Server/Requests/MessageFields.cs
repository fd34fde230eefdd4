using System.Globalization;
using System.Text.Json;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Server.Requests;

/// <summary>Reads the messages of a conversation.</summary>
internal static class MessageFields
{
    private const string Roles = "system, developer, user, assistant or tool";

    public static IReadOnlyList<ChatMessage> Read(JsonFields fields)
    {
        const string Expected = "an array of at least one message, such as {\"role\": \"user\", \"content\": \"Hello\"}";
        var list = fields.List("messages", Expected);
        if (list is not { } messages || messages.GetArrayLength() == 0)
            throw JsonFields.Wrong("messages", list, Expected);
        return [.. messages.EnumerateArray().Select((message, i) => ReadOne(message, string.Create(CultureInfo.InvariantCulture, $"messages[{i}]")))];
    }

    private static ChatMessage ReadOne(JsonElement element, string path)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw JsonFields.Wrong(path, element, "an object such as {\"role\": \"user\", \"content\": \"Hello\"}");
        var fields = new JsonFields(element, path);
        var role = fields.Text("role", Roles) switch
        {
            "developer" => "system", // OpenAI's newer name
            "system" or "user" or "assistant" or "tool" => element.GetProperty("role").GetString()!,
            null => throw JsonFields.Wrong(fields.PathOf("role"), null, Roles),
            _ => throw JsonFields.Wrong(fields.PathOf("role"), fields.Find("role"), Roles),
        };

        var calls = role == "assistant" ? ReadCalls(fields) : null;
        var content = ReadContent(fields, calls is not null);
        var message = new ChatMessage(role, content);
        if (fields.Text("name") is { } name)
            message = message with { Name = name };
        if (role == "tool")
            message = message with { ToolCallId = fields.Text("tool_call_id") ?? throw JsonFields.Wrong(fields.PathOf("tool_call_id"), null, "the id of the call that the message answers") };
        if (calls is not null)
            message = message with { ToolCalls = calls };
        return role == "assistant" && fields.Text("reasoning_content") is { } reasoning ? message with { ReasoningContent = reasoning } : message;
    }

    /// <summary>The content as one text; null where a message calls tools alone.</summary>
    private static string? ReadContent(JsonFields fields, bool mayLack)
    {
        const string Expected = "a string, or an array of parts such as {\"type\": \"text\", \"text\": \"Hello\"}";
        var path = fields.PathOf("content");
        if (fields.Find("content") is not { } content)
            return mayLack ? null : throw JsonFields.Wrong(path, null, Expected);
        if (content.ValueKind == JsonValueKind.String)
            return content.GetString();
        if (content.ValueKind != JsonValueKind.Array)
            throw JsonFields.Wrong(path, content, Expected);
        return string.Concat(content.EnumerateArray().Select((part, i) => ReadPart(part, string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"))));
    }

    private static string ReadPart(JsonElement element, string path)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw JsonFields.Wrong(path, element, "an object such as {\"type\": \"text\", \"text\": \"Hello\"}");
        var part = new JsonFields(element, path);
        if (part.Text("type") is not "text")
            throw JsonFields.Wrong(part.PathOf("type"), part.Find("type"), "text, since the model reads nothing else", "unsupported_content");
        return part.Text("text") ?? throw JsonFields.Wrong(part.PathOf("text"), null, "a string");
    }

    /// <summary>The calls that a former reply made.</summary>
    private static JsonElement? ReadCalls(JsonFields fields)
    {
        if (fields.List("tool_calls", "an array of calls") is not { } calls || calls.GetArrayLength() == 0)
            return null;
        const string Expected = "an object such as {\"id\": \"call_1\", \"type\": \"function\", \"function\": {\"name\": \"f\", \"arguments\": \"{}\"}}";
        var i = 0;
        foreach (var call in calls.EnumerateArray())
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"{fields.PathOf("tool_calls")}[{i++}]");
            if (call.ValueKind != JsonValueKind.Object)
                throw JsonFields.Wrong(path, call, Expected);
            var function = new JsonFields(call, path).Object("function", Expected) ?? throw JsonFields.Wrong($"{path}.function", null, "an object with name and arguments");
            _ = function.Text("name") ?? throw JsonFields.Wrong(function.PathOf("name"), null, "the function's name");
            _ = function.Text("arguments", "a string of JSON") ?? throw JsonFields.Wrong(function.PathOf("arguments"), null, "a string of JSON");
        }

        return calls.Clone();
    }
}
