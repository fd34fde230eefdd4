using System.Globalization;
using System.Text.Json;

namespace Deepseek.Inference.Server.Requests;

/// <summary>The members of a JSON object of a request, read with their kinds and ranges; null and absent are the same.</summary>
internal readonly struct JsonFields(JsonElement element, string path)
{
    /// <summary>Where the object stands in the request; empty for the request itself.</summary>
    public string Path { get; } = path;

    public JsonElement Element { get; } = element;

    /// <summary>A member's place in the request, as faults name it.</summary>
    public string PathOf(string name) => Path.Length == 0 ? name : $"{Path}.{name}";

    public JsonElement? Find(string name) =>
        Element.TryGetProperty(name, out var value) && value.ValueKind is not JsonValueKind.Null ? value : null;

    public string? Text(string name, string expected = "a string") => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw Wrong(PathOf(name), value, expected);

    public bool? Flag(string name) => Find(name) is not { } value ? null
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw Wrong(PathOf(name), value, "true or false");

    public int? Whole(string name, int minimum, int maximum) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= minimum && number <= maximum ? number
        : throw Wrong(PathOf(name), value, maximum == int.MaxValue
            ? FormattableString.Invariant($"a whole number, {minimum} or more")
            : FormattableString.Invariant($"a whole number, {minimum} to {maximum}"));

    public long? Long(string name) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number
        : throw Wrong(PathOf(name), value, "a whole number of 64 bits");

    public double? Number(string name, double minimum, double maximum) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= minimum && number <= maximum ? number
        : throw Wrong(PathOf(name), value, FormattableString.Invariant($"a number, {minimum} to {maximum}"));

    public JsonElement? List(string name, string expected) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Array ? value
        : throw Wrong(PathOf(name), value, expected);

    public JsonFields? Object(string name, string expected) => Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Object ? new JsonFields(value, PathOf(name))
        : throw Wrong(PathOf(name), value, expected);

    /// <summary>A fault that names a value, and what it must be.</summary>
    public static ApiException Wrong(string path, JsonElement? value, string expected, string? code = null) =>
        ApiException.BadRequest(value is null ? $"{path} is missing; it must be {expected}." : $"{path} is {Shown(value.Value)}; it must be {expected}.", path, code);

    /// <summary>A value as a fault shows it: short, whatever a stranger sent.</summary>
    private static string Shown(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => string.Create(CultureInfo.InvariantCulture, $"an array of {value.GetArrayLength()}"),
        JsonValueKind.String => $"'{Cut(value.GetString()!)}'",
        _ => Cut(value.GetRawText()),
    };

    private static string Cut(string text) => text.Length <= 60 ? text : string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[59]) ? 59 : 60), "…");
}
