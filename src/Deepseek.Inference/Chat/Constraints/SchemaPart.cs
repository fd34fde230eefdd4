using System.Text.Json;

namespace Deepseek.Inference.Chat.Constraints;

/// <summary>Which keywords of a schema count.</summary>
internal enum SchemaScope
{
    /// <summary>All.</summary>
    Whole,

    /// <summary>Those that ask for something themselves: all but $ref, allOf, anyOf and oneOf.</summary>
    Plain,

    /// <summary>anyOf alone.</summary>
    AnyOf,

    /// <summary>oneOf alone.</summary>
    OneOf,
}

/// <summary>A schema that a value must meet, one of several perhaps.</summary>
/// <param name="Schema">An object, true or false.</param>
/// <param name="Path">Where it stands, as <c>#/properties/name</c>; the same path is the same schema.</param>
/// <param name="Scope">Which of its keywords count.</param>
internal readonly record struct SchemaPart(JsonElement Schema, string Path, SchemaScope Scope = SchemaScope.Whole)
{
    /// <summary>What tells this part from others.</summary>
    public string Key => $"{Path} {Scope}";

    /// <summary>A name as a step of a path (JSON Pointer, RFC 6901).</summary>
    public static string Escaped(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    /// <summary>A keyword's value; null where the schema lacks it.</summary>
    public JsonElement? this[string keyword] => Schema.ValueKind == JsonValueKind.Object && Schema.TryGetProperty(keyword, out var value) ? value : null;

    /// <summary>A keyword's value as a count; null where the schema lacks it.</summary>
    public int? Count(string keyword) => this[keyword]?.GetInt32();

    /// <summary>The schema under a keyword.</summary>
    public SchemaPart Below(string keyword) => new(Schema.GetProperty(keyword), $"{Path}/{keyword}");

    /// <summary>The schemas of the list under a keyword.</summary>
    public IEnumerable<SchemaPart> ListBelow(string keyword)
    {
        var path = Path;
        return this[keyword] is { ValueKind: JsonValueKind.Array } list
            ? list.EnumerateArray().Select((schema, i) => new SchemaPart(schema, $"{path}/{keyword}/{i}"))
            : [];
    }

    /// <summary>The schemas by name under a keyword; of a name that is there twice the last.</summary>
    public IEnumerable<(string Name, SchemaPart Part)> NamedBelow(string keyword)
    {
        var path = Path;
        return this[keyword] is { ValueKind: JsonValueKind.Object } map
            ? map.EnumerateObject().GroupBy(property => property.Name, StringComparer.Ordinal)
                .Select(group => (group.Key, new SchemaPart(group.Last().Value, $"{path}/{keyword}/{Escaped(group.Key)}")))
            : [];
    }
}
