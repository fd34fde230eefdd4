using System.Text.Json;

namespace Deepseek.Inference.Chat.Constraints;

/// <summary>Finds everything in a schema that a grammar cannot keep to, before one is built.</summary>
internal sealed class SchemaCheck(JsonElement root, List<string> faults)
{
    /// <summary>What is supported, for messages.</summary>
    public const string Supported =
        "type, properties, required, additionalProperties, items, prefixItems, minItems, maxItems, minLength, maxLength, format, minimum, maximum, exclusiveMinimum, exclusiveMaximum, enum, const, anyOf, oneOf, allOf and $ref";

    private const int LongestName = 256;
    private const int MostNames = 1024;
    private const int MostPlaces = 256;

    // Keywords with schemas below them.
    private static readonly string[] Maps = ["$defs", "definitions", "properties"];
    private static readonly string[] Lists = ["prefixItems", "anyOf", "oneOf", "allOf"];
    private static readonly string[] Single = ["items", "additionalProperties"];

    private static readonly HashSet<string> Notes = new(
        ["title", "description", "default", "example", "examples", "$schema", "$id", "id", "$comment", "deprecated", "readOnly", "writeOnly", "$defs", "definitions"], StringComparer.Ordinal);

    /// <summary>Names the faults of a schema and of all below it.</summary>
    public void Check(SchemaPart part)
    {
        if (part.Schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return;
        if (part.Schema.ValueKind != JsonValueKind.Object)
        {
            Add(part.Path, $"the schema is {Kind(part.Schema)}; it must be an object, true or false.");
            return;
        }

        foreach (var property in part.Schema.EnumerateObject())
            CheckKeyword(part, property.Name, property.Value);
        if (part["enum"] is not null || part["const"] is not null)
            CheckAlone(part);
        if (part["format"] is not null && (part["minLength"] ?? part["maxLength"]) is not null)
            Add(part.Path, "minLength and maxLength are not supported beside format, whose strings have a length of their own. Leave them out.");

        foreach (var (_, below) in Maps.SelectMany(part.NamedBelow))
            Check(below);
        foreach (var below in Lists.SelectMany(part.ListBelow))
            Check(below);
        foreach (var keyword in Single.Where(keyword => part[keyword] is { ValueKind: not JsonValueKind.Array }))
            Check(part.Below(keyword));
    }

    /// <summary>The schema that a reference names; null where there is none.</summary>
    public static SchemaPart? Resolve(JsonElement root, string reference)
    {
        if (reference == "#")
            return new SchemaPart(root, "#");
        var parts = reference.Split('/');
        if (parts is not ["#", "$defs" or "definitions", var name])
            return null;
        name = Uri.UnescapeDataString(name).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
        return root.ValueKind == JsonValueKind.Object && root.TryGetProperty(parts[1], out var entries) && entries.ValueKind == JsonValueKind.Object && entries.TryGetProperty(name, out var found)
            ? new SchemaPart(found, $"#/{parts[1]}/{SchemaPart.Escaped(name)}")
            : null;
    }

    private void CheckKeyword(SchemaPart part, string keyword, JsonElement value)
    {
        switch (keyword)
        {
            case "type":
                if (!IsType(value))
                    Add(part.Path, $"type is {Shown(value)}; it must be one of {string.Join(", ", SchemaTypesReader.ByName.Keys)}, or a list of them.");
                break;
            case "properties" or "$defs" or "definitions":
                Require(part, keyword, value, value.ValueKind == JsonValueKind.Object, "an object of schemas");
                if (keyword == "properties")
                    CheckSize(part);
                break;
            case "required":
                Require(part, keyword, value, value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(name => name.ValueKind == JsonValueKind.String), "a list of names");
                break;
            case "items":
                if (value.ValueKind == JsonValueKind.Array)
                    Add(part.Path, "items is a list; a list of schemas by place is called prefixItems.");
                break;
            case "additionalProperties" or "const":
                break;
            case "prefixItems" when value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > MostPlaces:
                Add(part.Path, $"prefixItems has {value.GetArrayLength()} schemas; {MostPlaces} are supported. Use items for those that are alike.");
                break;
            case "prefixItems" or "anyOf" or "oneOf" or "allOf" or "enum":
                Require(part, keyword, value, value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0, "a list that is not empty");
                break;
            case "minItems" or "maxItems" or "minLength" or "maxLength":
                Require(part, keyword, value, value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count) && count >= 0, "a whole number, 0 or more");
                break;
            case "minimum" or "maximum" or "exclusiveMinimum" or "exclusiveMaximum":
                Require(part, keyword, value, value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out _), "a number of at most 28 digits");
                break;
            case "format":
                if (value.ValueKind != JsonValueKind.String || !FormatNodes.ByName.ContainsKey(value.GetString()!))
                    Add(part.Path, $"format is {Shown(value)}; supported are {string.Join(", ", FormatNodes.ByName.Keys)}. Leave it out, and check the value afterwards.");
                break;
            case "$ref":
                if (value.ValueKind != JsonValueKind.String || Resolve(root, value.GetString()!) is null)
                    Add(part.Path, $"$ref is {Shown(value)}; it must be #, or name an entry of the root's $defs or definitions, as #/$defs/NAME does.");
                break;
            default:
                if (!Notes.Contains(keyword))
                    Add(part.Path, $"the keyword '{keyword}' is not supported; supported are {Supported}. Leave it out, and check the value afterwards.");
                break;
        }
    }

    private void CheckSize(SchemaPart part)
    {
        var names = part.NamedBelow("properties").Select(entry => entry.Name).ToList();
        if (names.Count > MostNames)
            Add(part.Path, $"properties has {names.Count} members; {MostNames} are supported. Part the object.");
        if (names.Find(name => name.Length > LongestName) is { } name)
            Add(part.Path, $"properties has a name of {name.Length} characters; {LongestName} are supported. Use shorter names.");
    }

    // Values that are listed are not checked against the rest.
    private void CheckAlone(SchemaPart part)
    {
        foreach (var property in part.Schema.EnumerateObject().Where(property => SchemaTypesReader.DescribedBy(property.Name) != SchemaTypes.None))
            Add(part.Path, $"{property.Name} stands beside enum or const, where type alone is supported. Leave it out, and list only values that meet it.");
    }

    private static bool IsType(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => SchemaTypesReader.ByName.ContainsKey(value.GetString()!),
        JsonValueKind.Array => value.GetArrayLength() > 0 && value.EnumerateArray().All(name => name.ValueKind == JsonValueKind.String && SchemaTypesReader.ByName.ContainsKey(name.GetString()!)),
        _ => false,
    };

    private void Require(SchemaPart part, string keyword, JsonElement value, bool holds, string expected)
    {
        if (!holds)
            Add(part.Path, $"{keyword} is {Shown(value)}; it must be {expected}.");
    }

    private void Add(string path, string fault) => faults.Add($"{path}: {fault}");

    private static string Shown(JsonElement value) => value.GetRawText() is { Length: <= 60 } text ? text : Kind(value);

    private static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Undefined => "empty",
        _ => value.GetRawText(),
    };
}
