using System.Collections.Immutable;
using System.Text.Json;
using Deepseek.Inference.Tokenization.Templates;

namespace Deepseek.Inference.Tokenization;

/// <summary>One message of a conversation, with every field that the chat template shall see.</summary>
/// <remarks>
/// Templates tell a field that is absent from one that is null. A message made by the constructor has <c>role</c> and <c>content</c>, the latter null if not given;
/// one read from JSON has the fields that stood there, in their order; setting a property adds its field, or keeps its place. Two messages are equal if their fields are.
/// </remarks>
public sealed record ChatMessage
{
    internal static readonly ImmutableArray<string> KnownFields = ["role", "content", "reasoning_content", "tool_calls", "tool_call_id", "name"];

    // Values are null, string, or JsonElement for everything else.
    private readonly ImmutableArray<KeyValuePair<string, object?>> _fields;

    /// <summary>Creates a message.</summary>
    /// <param name="role">Who speaks: <c>system</c>, <c>user</c>, <c>assistant</c>, <c>tool</c>, or what else the template knows.</param>
    /// <param name="content">What is said; null for none, as in a message that only calls tools.</param>
    /// <exception cref="ArgumentNullException"><paramref name="role"/> is null.</exception>
    public ChatMessage(string role, string? content)
    {
        ArgumentNullException.ThrowIfNull(role);
        _fields = [new("role", role), new("content", content)];
    }

    internal ChatMessage(ImmutableArray<KeyValuePair<string, object?>> fields) => _fields = fields;

    /// <summary>Who speaks: <c>system</c>, <c>user</c>, <c>assistant</c>, <c>tool</c>, or what else the template knows.</summary>
    public string Role
    {
        get => (string)Get("role")!;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            _fields = With("role", value);
        }
    }

    /// <summary>What is said; null where there is nothing, or where the content is a list of parts.</summary>
    public string? Content
    {
        get => Get("content") as string;
        init => _fields = With("content", value);
    }

    /// <summary>The content as a JSON array of parts such as <c>{"type": "text", "text": "…"}</c>; null where it is a string or nothing. Templates receive parts as they are.</summary>
    public JsonElement? ContentParts
    {
        get => Get("content") as JsonElement?;
        init => _fields = With("content", value?.Clone());
    }

    /// <summary>What the assistant thought, apart from the content; null for none. Not every template shows it.</summary>
    public string? ReasoningContent
    {
        get => Get("reasoning_content") as string;
        init => _fields = With("reasoning_content", value);
    }

    /// <summary>The assistant's calls of tools: a JSON array of <c>{"type": "function", "function": {"name": …, "arguments": …}}</c>; null for none.</summary>
    public JsonElement? ToolCalls
    {
        get => Get("tool_calls") as JsonElement?;
        init => _fields = With("tool_calls", value?.Clone());
    }

    /// <summary>Which call a tool's message answers; null for none.</summary>
    public string? ToolCallId
    {
        get => Get("tool_call_id") as string;
        init => _fields = With("tool_call_id", value);
    }

    /// <summary>The speaker's name; null for none.</summary>
    public string? Name
    {
        get => Get("name") as string;
        init => _fields = With("name", value);
    }

    /// <summary>Fields of other names, such as <c>prefix</c>, in their order; setting it replaces them all.</summary>
    /// <exception cref="ArgumentException">A field has a property of its own here, or its value is empty.</exception>
    public IReadOnlyDictionary<string, JsonElement> Extra
    {
        get => _fields.Where(entry => !KnownFields.Contains(entry.Key)).ToDictionary(entry => entry.Key, entry => (JsonElement)entry.Value!, StringComparer.Ordinal);
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value.FirstOrDefault(entry => KnownFields.Contains(entry.Key) || entry.Value.ValueKind == JsonValueKind.Undefined).Key is { } name)
                throw new ArgumentException($"{nameof(Extra)} holds '{name}'; it must hold fields without a property of their own, each with JSON from a parsed document.", nameof(value));
            _fields = [.. _fields.Where(entry => KnownFields.Contains(entry.Key)), .. value.Select(entry => KeyValuePair.Create(entry.Key, (object?)entry.Value.Clone()))];
        }
    }

    /// <summary>A message of the role <c>system</c>.</summary>
    /// <param name="text">The instructions.</param>
    public static ChatMessage System(string text) => Said("system", text);

    /// <summary>A message of the role <c>user</c>.</summary>
    /// <param name="text">What the user says.</param>
    public static ChatMessage User(string text) => Said("user", text);

    /// <summary>A message of the role <c>assistant</c>.</summary>
    /// <param name="text">What the model said.</param>
    public static ChatMessage Assistant(string text) => Said("assistant", text);

    /// <summary>Reads a message such as <c>{"role": "user", "content": "Hello"}</c>. Fields without a property here reach the template as they are.</summary>
    /// <param name="element">A JSON object.</param>
    /// <exception cref="ArgumentException">It is no object, has no role, or a field is of the wrong kind; all faults are named at once.</exception>
    public static ChatMessage FromJson(JsonElement element) => ChatMessageReader.Read(element, "message");

    /// <summary>Reads a conversation: a JSON array of messages.</summary>
    /// <param name="json">The text.</param>
    /// <exception cref="ArgumentException">It is no JSON, no array, or a message is malformed; the message's index is named.</exception>
    public static IReadOnlyList<ChatMessage> ParseMessages(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return ChatMessageReader.ReadAll(json);
    }

    /// <summary>Whether both messages have the same fields with the same values, in any order.</summary>
    /// <param name="other">The other message.</param>
    public bool Equals(ChatMessage? other) => other is not null
        && _fields.Length == other._fields.Length
        && _fields.All(entry => other._fields.Any(candidate => candidate.Key == entry.Key && AreEqual(candidate.Value, entry.Value)));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Role, Content, _fields.Length);

    internal MapValue ToValue(JsonValueReader reader)
    {
        var map = new MapValue();
        foreach (var (name, value) in _fields)
        {
            map.Add(name, value switch
            {
                null => None.Value,
                string text => reader.Read(text),
                _ => reader.Read((JsonElement)value),
            });
        }

        return map;
    }

    /// <summary>Writes the message as <see cref="FromJson"/> reads it, with the same fields in their order.</summary>
    internal void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        foreach (var (name, value) in _fields)
        {
            writer.WritePropertyName(name);
            if (value is JsonElement element)
                element.WriteTo(writer);
            else
                writer.WriteStringValue((string?)value); // null is written as null
        }

        writer.WriteEndObject();
    }

    private static ChatMessage Said(string role, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new(role, text);
    }

    private object? Get(string name) => _fields.FirstOrDefault(entry => entry.Key == name).Value;

    private ImmutableArray<KeyValuePair<string, object?>> With(string name, object? value)
    {
        for (var i = 0; i < _fields.Length; i++)
        {
            if (_fields[i].Key == name)
                return _fields.SetItem(i, new(name, value));
        }

        return _fields.Add(new(name, value));
    }

    private static bool AreEqual(object? left, object? right) => left is JsonElement a && right is JsonElement b ? JsonElement.DeepEquals(a, b) : Equals(left, right);
}
