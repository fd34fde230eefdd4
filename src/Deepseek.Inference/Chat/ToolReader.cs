using System.Text.Json;
using System.Text.RegularExpressions;

namespace Deepseek.Inference.Chat;

/// <summary>Reads the tools that a conversation offers.</summary>
internal static partial class ToolReader
{
    private static readonly JsonElement NoArguments = JsonDocument.Parse("""{"type": "object", "additionalProperties": false}""").RootElement;

    /// <summary>The offered functions: a name, and the schema of the arguments.</summary>
    /// <param name="tools">A JSON array in OpenAI's form.</param>
    /// <exception cref="ArgumentException">It is of another form; all faults are named at once.</exception>
    public static IReadOnlyList<(string Name, JsonElement Parameters)> Read(JsonElement tools)
    {
        if (tools.ValueKind != JsonValueKind.Array || tools.GetArrayLength() == 0)
            throw new ArgumentException($"tools is {(tools.ValueKind == JsonValueKind.Array ? "empty" : $"JSON of the kind {tools.ValueKind}")}; it must be an array of at least one tool.", nameof(tools));

        List<(string Name, JsonElement Parameters)> functions = [];
        List<string> faults = [];
        var place = 0;
        foreach (var tool in tools.EnumerateArray())
        {
            var subject = $"tools[{place++}]";
            if (tool.ValueKind != JsonValueKind.Object || !tool.TryGetProperty("function", out var function) || function.ValueKind != JsonValueKind.Object)
                faults.Add($"{subject} has no function; it must be {{\"type\": \"function\", \"function\": {{\"name\": …, \"parameters\": …}}}}.");
            else if (!function.TryGetProperty("name", out var name) || name.ValueKind != JsonValueKind.String || !IsName().IsMatch(name.GetString()!))
                faults.Add($"{subject}.function.name is {(name.ValueKind == JsonValueKind.Undefined ? "missing" : name.GetRawText())}; it must be 1 to 128 letters, digits and the characters _ - . : of ASCII.");
            else if (functions.Exists(known => known.Name == name.GetString()))
                faults.Add($"{subject}.function.name is \"{name.GetString()}\", as of an earlier tool; every name must be given once.");
            else
                functions.Add((name.GetString()!, function.TryGetProperty("parameters", out var parameters) && parameters.ValueKind != JsonValueKind.Null ? parameters.Clone() : NoArguments));
        }

        return faults.Count == 0 ? functions : throw new ArgumentException(string.Join(" ", faults), nameof(tools));
    }

    [GeneratedRegex(@"^[A-Za-z0-9_.:-]{1,128}\z")]
    private static partial Regex IsName();
}
