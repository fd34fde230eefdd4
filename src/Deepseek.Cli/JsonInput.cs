using System.Text;
using System.Text.Json;

namespace Deepseek.Cli;

/// <summary>Reads the files that verbs take; a fault names file, line and what was expected.</summary>
internal static class JsonInput
{
    private const int ShownCharacters = 40;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>A file of one object a line; blank lines are passed over.</summary>
    /// <param name="path">The file.</param>
    /// <param name="read">Reads one object; its second argument names file and line.</param>
    public static List<T> Lines<T>(string path, Func<JsonElement, string, T> read)
    {
        List<T> results = [];
        using var lines = new StringReader(Text(path));
        for (var number = 1; lines.ReadLine() is { } line; number++)
        {
            if (string.IsNullOrWhiteSpace(line))
                continue;
            var where = FormattableString.Invariant($"{path} line {number}");
            using var document = Parse(line, where);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"{where} is {Kind(document.RootElement)}; it must be a JSON object.");
            results.Add(read(document.RootElement, where));
        }

        return results;
    }

    /// <summary>A file of one JSON value.</summary>
    public static JsonDocument Whole(string path) => Parse(Text(path), path);

    /// <summary>A file's text, which must be UTF-8.</summary>
    public static string Text(string path)
    {
        if (Directory.Exists(path))
            throw new InvalidDataException($"{path} is a folder; name a file.");
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no file {path}; check the path.");
        var bytes = File.ReadAllBytes(path).AsSpan();
        if (bytes.StartsWith(Encoding.UTF8.Preamble))
            bytes = bytes[Encoding.UTF8.Preamble.Length..];
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException fault)
        {
            throw new InvalidDataException(FormattableString.Invariant($"{path} is not UTF-8 text: see byte {fault.Index + 1}. Save it as UTF-8."), fault);
        }
    }

    /// <summary>A member of an object; null where it is absent or null.</summary>
    public static JsonElement? Optional(JsonElement line, string name) =>
        line.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public static string String(JsonElement value, string where)
    {
        if (value.ValueKind != JsonValueKind.String)
            throw new InvalidDataException($"{where} is {Kind(value)}; it must be a string.");
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException fault)
        {
            throw new InvalidDataException($"{where} escapes half of a surrogate pair; it must be valid Unicode.", fault);
        }
    }

    public static int[] Ids(JsonElement value, string where)
    {
        if (value.ValueKind != JsonValueKind.Array)
            throw new InvalidDataException($"{where} is {Kind(value)}; it must be an array of token ids.");
        var ids = value.EnumerateArray().Select((id, i) => id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out var number) && number >= 0
            ? number
            : throw new InvalidDataException(FormattableString.Invariant($"{where}: element {i} is {Shown(id)}; it must be a token id, a whole number of 0 or more."))).ToArray();
        return ids.Length > 0 ? ids : throw new InvalidDataException($"{where} is empty; it needs at least one token id, such as that of the begin token.");
    }

    private static JsonDocument Parse(string json, string where)
    {
        try
        {
            return JsonDocument.Parse(json);
        }
        catch (JsonException fault)
        {
            // The parser's own message ends with a position counted from 0.
            var message = fault.Message.Split(" LineNumber:", 2)[0].Split(" Path:", 2)[0];
            throw new InvalidDataException(FormattableString.Invariant($"{where} is not valid JSON: {message} See line {fault.LineNumber + 1}, byte {fault.BytePositionInLine + 1} of it."), fault);
        }
    }

    private static string Shown(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= ShownCharacters ? text : $"{text[..ShownCharacters]}…";
    }

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "null",
    };
}
