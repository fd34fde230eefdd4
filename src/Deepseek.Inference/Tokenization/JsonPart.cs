using System.Text.Json;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tokenization;

/// <summary>A value within a tokenizer's JSON file, which knows its place there; every fault is a <see cref="CheckpointFormatException"/>.</summary>
/// <param name="File">The file.</param>
/// <param name="Path">The keys that lead to the value; empty for the file as a whole.</param>
/// <param name="Element">The value.</param>
internal readonly record struct JsonPart(string File, string Path, JsonElement Element)
{
    /// <summary>The value of a key; null where the key is missing or its value is null.</summary>
    public JsonPart? Optional(string name)
    {
        RequireKind(JsonValueKind.Object);
        return Element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null
            ? new JsonPart(File, Path.Length == 0 ? name : $"{Path}.{name}", value)
            : null;
    }

    /// <summary>The value of a key that must be there.</summary>
    public JsonPart Required(string name) => Optional(name) ?? throw Fault($"the key '{name}' is missing; the file is damaged or of another kind");

    /// <summary>The elements of an array.</summary>
    public IEnumerable<JsonPart> Items()
    {
        RequireKind(JsonValueKind.Array);
        return Enumerate(this);

        static IEnumerable<JsonPart> Enumerate(JsonPart array)
        {
            var index = 0;
            foreach (var element in array.Element.EnumerateArray())
                yield return new JsonPart(array.File, $"{array.Path}[{index++}]", element);
        }
    }

    /// <summary>The value, a string.</summary>
    public string Text()
    {
        RequireKind(JsonValueKind.String);
        try
        {
            return Element.GetString()!;
        }
        catch (InvalidOperationException cause)
        {
            throw Fault("the string holds half a surrogate pair, which is no text", cause);
        }
    }

    /// <summary>The value, true or false.</summary>
    public bool Flag() => Element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Fault($"it is {Kind(Element.ValueKind)}; it must be true or false"),
    };

    /// <summary>The value, an integer from 0 to <see cref="int.MaxValue"/>.</summary>
    public int Natural()
    {
        RequireKind(JsonValueKind.Number);
        return Element.TryGetInt32(out var value) && value >= 0
            ? value
            : throw Fault($"it is {Shortened(Element.GetRawText())}; it must be an integer from 0 to {int.MaxValue}");
    }

    /// <summary>The value of a key that is true or false; false where it is missing.</summary>
    public bool OptionalFlag(string name) => Optional(name)?.Flag() ?? false;

    /// <summary>Refuses a value of another kind.</summary>
    public void RequireKind(JsonValueKind kind)
    {
        if (Element.ValueKind != kind)
            throw Fault($"it is {Kind(Element.ValueKind)}; it must be {Kind(kind)}");
    }

    /// <summary>The exception for a fault of this value.</summary>
    public CheckpointFormatException Fault(string reason, Exception? cause = null) =>
        new(File, Path.Length == 0 ? null : Path, reason, cause);

    /// <summary>A piece of the file for use in a message, cut where it is long.</summary>
    public static string Shortened(string text) => text.Length <= 80 ? text : $"{text.AsSpan(0, 80)}…";

    private static string Kind(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "true or false",
    };
}
