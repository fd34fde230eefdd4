using System.Text.Json;

namespace Deepseek.Cli;

/// <summary>Reads the files that verbs take; a fault names file, line and what was expected.</summary>
internal static class JsonInput
{
    /// <summary>A file of one object a line; blank lines are passed over.</summary>
    public static List<T> Lines<T>(FileInfo file, Func<JsonElement, string, T> read)
    {
        List<T> results = [];
        var number = 0;
        foreach (var line in File.ReadLines(file.ToString()))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
                continue;
            var where = $"{file} line {number}";
            using var document = Parse(line, where);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"{where} is a JSON {Kind(document.RootElement)}; it must be an object.");
            results.Add(read(document.RootElement, where));
        }

        return results;
    }

    /// <summary>A file of one JSON value.</summary>
    public static JsonDocument Whole(FileInfo file) => Parse(File.ReadAllText(file.ToString()), file.ToString());

    public static JsonElement? Optional(JsonElement line, string name) =>
        line.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public static string Text(JsonElement value, string where)
    {
        if (value.ValueKind != JsonValueKind.String)
            throw new InvalidDataException($"{where} is a JSON {Kind(value)}; it must be a string.");
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidDataException($"{where} is not valid text: {e.Message}", e); // half a surrogate pair
        }
    }

    public static int[] Ids(JsonElement value, string where)
    {
        if (value.ValueKind != JsonValueKind.Array)
            throw new InvalidDataException($"{where} is a JSON {Kind(value)}; it must be an array of token ids.");
        return [.. value.EnumerateArray().Select((id, i) => id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out var number)
            ? number
            : throw new InvalidDataException($"{where}: element {i} is {id}; it must be a token id."))];
    }

    private static JsonDocument Parse(string json, string where)
    {
        try
        {
            return JsonDocument.Parse(json);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{where} is not valid JSON: {e.Message}", e);
        }
    }

    private static string Kind(JsonElement value) => value.ValueKind.ToString().ToLowerInvariant();
}
