using System.Collections.Immutable;
using System.Text.Json;

namespace Deepseek.Inference.Tokenization;

/// <summary>Reads messages from JSON.</summary>
internal static class ChatMessageReader
{
    public static IReadOnlyList<ChatMessage> ReadAll(string json)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json);
        }
        catch (JsonException fault)
        {
            throw new ArgumentException($"The messages are no valid JSON: {fault.Message}", nameof(json), fault);
        }

        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Array)
                throw new ArgumentException($"The messages are {Kind(document.RootElement)}; they must be an array of objects such as {{\"role\": \"user\", \"content\": \"Hello\"}}.", nameof(json));
            return [.. document.RootElement.EnumerateArray().Select((element, i) => Read(element, $"messages[{i}]"))];
        }
    }

    public static ChatMessage Read(JsonElement element, string subject)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw new ArgumentException($"{subject} is {Kind(element)}; it must be an object such as {{\"role\": \"user\", \"content\": \"Hello\"}}.");

        // A name given twice keeps its first place and its last value, as in Python.
        var fields = new OrderedDictionary<string, object?>(StringComparer.Ordinal);
        List<string> faults = [];
        try
        {
            foreach (var property in element.Clone().EnumerateObject())
                fields[property.Name] = Field(property, subject, faults);
        }
        catch (InvalidOperationException fault)
        {
            throw new ArgumentException($"{subject} holds a string that escapes half of a surrogate pair; it must be valid Unicode.", fault);
        }

        if (!fields.ContainsKey("role"))
            faults.Add($"{subject}.role is missing; it must be a string such as user.");
        if (faults.Count > 0)
            throw new ArgumentException(string.Join(" ", faults));
        return new(fields.Select(field => KeyValuePair.Create(field.Key, field.Value)).ToImmutableArray());
    }

    private static object? Field(JsonProperty property, string subject, List<string> faults)
    {
        var value = property.Value;
        if (!ChatMessage.KnownFields.Contains(property.Name))
            return value;

        switch (property.Name, value.ValueKind)
        {
            case (not "tool_calls", JsonValueKind.String): return value.GetString();
            case (not "role", JsonValueKind.Null): return null;
            case ("tool_calls", JsonValueKind.Array): return value;
            case ("content", JsonValueKind.Array):
                CheckParts(value, subject, faults);
                return value;
        }

        var expected = property.Name switch
        {
            "role" => "a string such as user",
            "content" => "a string, null, or an array of parts such as {\"type\": \"text\", \"text\": \"Hello\"}",
            "tool_calls" => "an array or null",
            _ => "a string or null",
        };
        faults.Add($"{subject}.{property.Name} is {Kind(value)}; it must be {expected}.");
        return null;
    }

    private static void CheckParts(JsonElement parts, string subject, List<string> faults)
    {
        var i = 0;
        foreach (var part in parts.EnumerateArray())
        {
            if (part.ValueKind != JsonValueKind.Object || !part.TryGetProperty("type", out var type) || type.ValueKind != JsonValueKind.String)
                faults.Add($"{subject}.content[{i}] is {(part.ValueKind == JsonValueKind.Object ? "without a type" : Kind(part))}; it must be an object such as {{\"type\": \"text\", \"text\": \"Hello\"}}.");
            i++;
        }
    }

    private static string Kind(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        JsonValueKind.Null => "null",
        _ => "an empty JSON element",
    };
}
