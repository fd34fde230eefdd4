using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Chat;

/// <summary>Says in words what a chat template has no place for: which tools there are, which were called, and what they brought.</summary>
internal static partial class ToolProse
{
    /// <summary>The conversation as a template can show it.</summary>
    /// <param name="messages">The conversation.</param>
    /// <param name="tools">Tools on offer; null for none.</param>
    /// <param name="template">The template's source.</param>
    public static IReadOnlyList<ChatMessage> Prepare(IReadOnlyList<ChatMessage> messages, JsonElement? tools, string template)
    {
        var form = ToolCallForms.Of(template);
        if (!ToolCallForms.ShowsCalls(template))
            messages = InWords(messages, form);
        else if (EncodesArguments().IsMatch(template))
            messages = [.. messages.Select(WithObjects)];
        return tools is { } offered && !ToolCallForms.DescribesTools(template) ? WithInstructions(messages, Describe(ToolReader.Read(offered), offered, form)) : messages;
    }

    /// <summary>The text of calls, in a model's form.</summary>
    public static string Write(ToolCallForm form, IEnumerable<ToolCall> calls)
    {
        var written = form == ToolCallForm.Named
            ? string.Concat(calls.Select(call => ToolCallMarks.CallBegin + call.Name + ToolCallMarks.Separator + call.Arguments + ToolCallMarks.CallEnd))
            : string.Join("\n", calls.Select(call => $"{ToolCallMarks.CallBegin}function{ToolCallMarks.Separator}{call.Name}\n```json\n{call.Arguments}\n```{ToolCallMarks.CallEnd}"));
        return ToolCallMarks.CallsBegin + written + ToolCallMarks.CallsEnd;
    }

    private static string Describe(IReadOnlyList<(string Name, JsonElement Parameters)> functions, JsonElement tools, ToolCallForm form)
    {
        var descriptions = tools.EnumerateArray().Select(tool => tool.GetProperty("function"))
            .Select(function => function.TryGetProperty("description", out var text) && text.ValueKind == JsonValueKind.String ? $": {text.GetString()}" : "");
        var list = functions.Zip(descriptions, (function, description) => $"- {function.Name}{description}\n  Arguments, as a JSON schema: {function.Parameters.GetRawText()}");
        return $"""
            You can have these functions run:

            {string.Join("\n", list)}

            To call a function, answer with nothing but its name and one JSON object of arguments, in exactly this form:

            {Write(form, [new ToolCall("NAME", "{\"ARGUMENT\": \"VALUE\"}")])}

            Several calls may stand one after the other within the outer marks. The next message brings the results.
            """.ReplaceLineEndings("\n");
    }

    /// <summary>Adds instructions to the last system message: of several, some templates show that one alone.</summary>
    private static List<ChatMessage> WithInstructions(IReadOnlyList<ChatMessage> messages, string instructions)
    {
        List<ChatMessage> all = [.. messages];
        var last = all.FindLastIndex(message => message is { Role: "system", Content: not null });
        if (last >= 0)
            all[last] = all[last] with { Content = $"{instructions}\n\n{all[last].Content}" };
        else
            all.Insert(0, ChatMessage.System(instructions));
        return all;
    }

    /// <summary>Calls as a part of what the assistant said, results as a part of what the user says.</summary>
    private static List<ChatMessage> InWords(IReadOnlyList<ChatMessage> messages, ToolCallForm form)
    {
        List<ChatMessage> all = [];
        Dictionary<string, string> names = new(StringComparer.Ordinal); // by the call's id
        var followsResult = false;
        foreach (var message in messages)
        {
            if (message?.Role == "tool")
            {
                var name = message.Name ?? (message.ToolCallId is { } id ? names.GetValueOrDefault(id) : null);
                var result = $"Result of the function{(name is null ? "" : $" {name}")}:\n{message.Content}";
                if (followsResult)
                    all[^1] = ChatMessage.User($"{all[^1].Content}\n\n{result}");
                else
                    all.Add(ChatMessage.User(result));
                followsResult = true;
                continue;
            }

            followsResult = false;
            if (message is { ToolCalls: { ValueKind: JsonValueKind.Array } calls } && calls.GetArrayLength() > 0)
            {
                foreach (var call in calls.EnumerateArray())
                {
                    if (call.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String)
                        names[id.GetString()!] = Read(call).Name;
                }

                all.Add(new ChatMessage(message.Role, message.Content + Write(form, calls.EnumerateArray().Select(Read))));
            }
            else
            {
                all.Add(message!);
            }
        }

        return all;
    }

    private static ToolCall Read(JsonElement call)
    {
        if (call.ValueKind != JsonValueKind.Object || !call.TryGetProperty("function", out var function) || function.ValueKind != JsonValueKind.Object
            || !function.TryGetProperty("name", out var name) || name.ValueKind != JsonValueKind.String)
        {
            throw new ArgumentException($"A message's tool_calls hold {call.GetRawText()}; each must be {{\"type\": \"function\", \"function\": {{\"name\": …, \"arguments\": …}}}}.", nameof(call));
        }

        var arguments = function.TryGetProperty("arguments", out var given) ? given.ValueKind == JsonValueKind.String ? given.GetString()! : given.GetRawText() : "{}";
        return new ToolCall(name.GetString()!, arguments);
    }

    /// <summary>Arguments as objects rather than as text: a template that writes them as JSON would else write a string of JSON.</summary>
    private static ChatMessage WithObjects(ChatMessage message)
    {
        if (message is not { ToolCalls: { ValueKind: JsonValueKind.Array } calls })
            return message;
        var array = new JsonArray();
        foreach (var call in calls.EnumerateArray())
        {
            var copy = JsonNode.Parse(call.GetRawText());
            if (copy?["function"]?["arguments"] is JsonValue arguments && arguments.TryGetValue(out string? text) && IsObject(text))
                copy["function"]!["arguments"] = JsonNode.Parse(text);
            array.Add(copy);
        }

        return message with { ToolCalls = JsonElement.Parse(array.ToJsonString()) };
    }

    private static bool IsObject(string text)
    {
        try
        {
            return JsonElement.Parse(text).ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // The published templates write message['tool_calls'] entries as tool['function']['arguments'] | tojson, or by way of a variable.
    [GeneratedRegex(@"(arguments'\]|\btool_args)\s*\|\s*tojson")]
    private static partial Regex EncodesArguments();
}
