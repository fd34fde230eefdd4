using System.Text.Json;

namespace Deepseek.Inference.Store;

/// <summary>Members of a manifest's objects, of the kinds that they must have.</summary>
/// <remarks>Faults are <see cref="FormatException"/>s that name the key, and show nothing of what a stranger wrote.</remarks>
internal static class ManifestJson
{
    /// <summary>A member that must be there.</summary>
    public static JsonElement Member(this JsonElement json, string name) =>
        json.ValueKind != JsonValueKind.Object ? throw new FormatException($"Where \"{name}\" is looked for there is no object.")
        : json.TryGetProperty(name, out var value) ? value
        : throw new FormatException($"\"{name}\" is missing.");

    /// <summary>A member that is an array.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement json, string name) =>
        json.Member(name) is { ValueKind: JsonValueKind.Array } value ? value.EnumerateArray() : throw new FormatException($"\"{name}\" must be an array.");

    /// <summary>A member that is a string.</summary>
    public static string Text(this JsonElement json, string name) => Text(json.Member(name), name, "must be a string");

    /// <summary>An element that is a string.</summary>
    public static string Text(JsonElement json, string name, string must) => json.ValueKind == JsonValueKind.String ? json.GetString()! : throw new FormatException($"\"{name}\" {must}.");

    /// <summary>A member that is a whole number of 32 bits.</summary>
    public static int Whole(this JsonElement json, string name) =>
        json.Member(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out var number) ? number : throw new FormatException($"\"{name}\" must be a whole number of 32 bits.");

    /// <summary>A member that is a whole number of 64 bits.</summary>
    public static long Long(this JsonElement json, string name) => Number(json.Member(name), name);

    /// <summary>An element that is a whole number of 64 bits.</summary>
    public static long Number(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Number && json.TryGetInt64(out var number) ? number : throw new FormatException($"\"{name}\" must be of whole numbers of 64 bits.");
}
