using System.Text.Json;

namespace Deepseek.Inference.Chat.Constraints;

/// <summary>The kinds of JSON values that a schema lets through.</summary>
[Flags]
internal enum SchemaTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Object = 4,
    Array = 8,
    String = 16,
    Integer = 32,
    Fraction = 64,

    /// <summary>Whole numbers are numbers.</summary>
    Number = Integer | Fraction,

    All = Null | Boolean | Object | Array | String | Number,
}

/// <summary>What <c>type</c> says.</summary>
internal static class SchemaTypesReader
{
    /// <summary>The types by name.</summary>
    public static IReadOnlyDictionary<string, SchemaTypes> ByName { get; } = new Dictionary<string, SchemaTypes>(StringComparer.Ordinal)
    {
        ["null"] = SchemaTypes.Null,
        ["boolean"] = SchemaTypes.Boolean,
        ["object"] = SchemaTypes.Object,
        ["array"] = SchemaTypes.Array,
        ["string"] = SchemaTypes.String,
        ["integer"] = SchemaTypes.Integer,
        ["number"] = SchemaTypes.Number,
    };

    /// <summary>The types that a keyword's value names.</summary>
    public static SchemaTypes Read(JsonElement type) => type.ValueKind == JsonValueKind.String
        ? ByName[type.GetString()!]
        : type.EnumerateArray().Aggregate(SchemaTypes.None, (types, name) => types | ByName[name.GetString()!]);

    /// <summary>The types of which a value is one.</summary>
    public static SchemaTypes Of(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => SchemaTypes.Null,
        JsonValueKind.True or JsonValueKind.False => SchemaTypes.Boolean,
        JsonValueKind.Object => SchemaTypes.Object,
        JsonValueKind.Array => SchemaTypes.Array,
        JsonValueKind.String => SchemaTypes.String,
        _ => value.TryGetDecimal(out var number) && number == Math.Truncate(number) ? SchemaTypes.Integer : SchemaTypes.Fraction,
    };

    /// <summary>The types of values that a keyword speaks of: what a schema without <c>type</c> means to describe.</summary>
    public static SchemaTypes DescribedBy(string keyword) => keyword switch
    {
        "properties" or "required" or "additionalProperties" => SchemaTypes.Object,
        "items" or "prefixItems" or "minItems" or "maxItems" => SchemaTypes.Array,
        "minLength" or "maxLength" or "format" => SchemaTypes.String,
        "minimum" or "maximum" or "exclusiveMinimum" or "exclusiveMaximum" => SchemaTypes.Integer,
        _ => SchemaTypes.None,
    };
}
