using System.Text.Json;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Sampling;

/// <summary>Reads typed settings of a <c>generation_config.json</c>; absent and null keys are unset, anything else of the wrong kind is a fault.</summary>
internal sealed class GenerationDefaultsReader
{
    private const int ShownCharacters = 80;

    private readonly JsonElement _root;
    private readonly string _file;

    /// <summary>Begins to read.</summary>
    /// <exception cref="CheckpointFormatException"><paramref name="root"/> is not an object.</exception>
    public GenerationDefaultsReader(JsonElement root, string file)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new CheckpointFormatException(file, null, $"found {Shown(root)}; a generation configuration is a JSON object.");
        (_root, _file) = (root, file);
    }

    /// <summary>A number within its range.</summary>
    public double? Number(string key, SettingRange range)
    {
        if (Find(key) is not { } element)
            return null;
        if (element.ValueKind != JsonValueKind.Number || !element.TryGetDouble(out var value))
            throw Wrong(key, element, "a number");
        return range.Fault(key, value) is { } fault ? throw new CheckpointFormatException(_file, key, fault) : value;
    }

    /// <summary>A whole number within its range.</summary>
    public int? Count(string key, SettingRange range)
    {
        if (Find(key) is not { } element)
            return null;
        if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt32(out var value))
            throw Wrong(key, element, "a whole number of 32 bits");
        return range.Fault(key, value) is { } fault ? throw new CheckpointFormatException(_file, key, fault) : value;
    }

    /// <summary>True or false.</summary>
    public bool? Flag(string key) => Find(key) is not { } element ? null : element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong(key, element, "true or false"),
    };

    /// <summary>One token id or a list of them, each once.</summary>
    public IReadOnlyList<int> Tokens(string key)
    {
        if (Find(key) is not { } element)
            return [];
        if (element.ValueKind != JsonValueKind.Array)
            return [Token(key, element)];
        return [.. element.EnumerateArray().Select(item => Token(key, item)).Distinct()];
    }

    private int Token(string key, JsonElement element) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out var id) && id >= 0 ? id : throw Wrong(key, element, "a token id, a whole number of 0 or more, or a list of them");

    private JsonElement? Find(string key) =>
        _root.TryGetProperty(key, out var element) && element.ValueKind != JsonValueKind.Null ? element : null;

    private CheckpointFormatException Wrong(string key, JsonElement found, string expected) =>
        new(_file, key, $"found {Shown(found)}; it must be {expected}.");

    private static string Shown(JsonElement element)
    {
        var text = element.GetRawText();
        return text.Length <= ShownCharacters ? text : $"{text[..ShownCharacters]}…";
    }
}
