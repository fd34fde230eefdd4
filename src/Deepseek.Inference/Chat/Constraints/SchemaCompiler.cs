using System.Text.Json;

namespace Deepseek.Inference.Chat.Constraints;

/// <summary>Turns a schema into a grammar of the texts that meet it.</summary>
/// <remarks>
/// What a value must meet is a list of schemas: references and allOf add to the list, anyOf and oneOf make a choice of lists. The same list is compiled once, which
/// makes recursion work. A grammar may be narrower than its schema, never wider: properties come in the schema's order, and each at most once.
/// </remarks>
/// <param name="root">The schema, which has passed <see cref="SchemaCheck"/>.</param>
/// <param name="json">The pieces of JSON.</param>
/// <param name="faults">Receives what shows only when schemas meet.</param>
internal sealed partial class SchemaCompiler(JsonElement root, JsonNodes json, List<string> faults)
{
    private const int MostLists = 10_000;

    private static readonly string[] NumberBounds = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];

    private readonly Dictionary<string, ReferenceNode> _known = new(StringComparer.Ordinal);

    // Lists wait here rather than being compiled within one another: a chain of references may be longer than any stack.
    private readonly Queue<Action> _waiting = [];

    /// <summary>The values of the whole schema.</summary>
    public GrammarNode Compile() => Finished(Compile([Root]));

    /// <summary>The objects of the whole schema.</summary>
    public GrammarNode CompileObject() => Finished(Compile([Root], "object ", parts => Values(parts, SchemaTypes.Object)));

    private SchemaPart Root => new(root, "#");

    private ReferenceNode Compile(IReadOnlyList<SchemaPart> parts) => Compile(parts, "", parts => Values(parts, SchemaTypes.All));

    /// <summary>The values that meet all schemas of a list, written in a way of its own.</summary>
    /// <param name="parts">The schemas.</param>
    /// <param name="form">A name for the way.</param>
    /// <param name="values">Writes what meets a list of plain schemas.</param>
    private ReferenceNode Compile(IReadOnlyList<SchemaPart> parts, string form, Func<IReadOnlyList<SchemaPart>, GrammarNode> values)
    {
        var key = form + string.Join("\n", parts.Select(part => part.Key).Distinct().Order(StringComparer.Ordinal));
        if (_known.TryGetValue(key, out var known))
            return known;
        var node = _known[key] = new ReferenceNode { Target = Grammar.Nothing };
        if (_known.Count > MostLists)
        {
            if (_known.Count == MostLists + 1)
                faults.Add($"{parts[0].Path}: the schema branches into more than {MostLists} combinations. Use fewer of allOf, anyOf and oneOf within each other.");
            return node;
        }

        _waiting.Enqueue(() => node.Target = Build(Flatten(parts), form, values));
        return node;
    }

    private ReferenceNode Finished(ReferenceNode node)
    {
        while (_waiting.TryDequeue(out var build))
            build();
        return node;
    }

    private GrammarNode Build(List<SchemaPart> parts, string form, Func<IReadOnlyList<SchemaPart>, GrammarNode> values)
    {
        if (parts.Exists(part => part.Schema.ValueKind == JsonValueKind.False))
            return Grammar.Nothing;
        var branching = parts.FindIndex(part => part.Scope is SchemaScope.AnyOf or SchemaScope.OneOf);
        if (branching < 0)
            return values(parts);
        var branches = parts[branching].ListBelow(parts[branching].Scope == SchemaScope.AnyOf ? "anyOf" : "oneOf");
        parts.RemoveAt(branching);
        return Grammar.Choice(branches.Select(branch => Compile([.. parts, branch], form, values)));
    }

    /// <summary>Follows references and allOf until only plain schemas and branches are left.</summary>
    private List<SchemaPart> Flatten(IEnumerable<SchemaPart> parts)
    {
        List<SchemaPart> open = [.. parts];
        List<SchemaPart> flat = [];
        HashSet<string> seen = [];
        for (var i = 0; i < open.Count; i++)
        {
            var part = open[i];
            if (!seen.Add(part.Key))
                continue;
            if (part.Scope != SchemaScope.Whole || part.Schema.ValueKind == JsonValueKind.False)
            {
                flat.Add(part);
                continue;
            }

            if (part["$ref"] is { } reference)
                open.Add(SchemaCheck.Resolve(root, reference.GetString()!)!.Value);
            open.AddRange(part.ListBelow("allOf"));
            if (part["anyOf"] is not null)
                flat.Add(part with { Scope = SchemaScope.AnyOf });
            if (part["oneOf"] is not null)
                flat.Add(part with { Scope = SchemaScope.OneOf });
            if (part.Schema.ValueKind == JsonValueKind.Object && part.Schema.EnumerateObject().Any(property => IsPlain(property.Name)))
                flat.Add(part with { Scope = SchemaScope.Plain });
        }

        return flat;
    }

    private static bool IsPlain(string keyword) => keyword is "type" or "enum" or "const" || SchemaTypesReader.DescribedBy(keyword) != SchemaTypes.None;

    /// <summary>The values of some types that meet plain schemas.</summary>
    private GrammarNode Values(IReadOnlyList<SchemaPart> parts, SchemaTypes among)
    {
        if (parts.Count == 0 && among == SchemaTypes.All)
            return json.Any;
        var types = Types(parts) & among;
        if (parts.Any(part => (part["enum"] ?? part["const"]) is not null))
            return Grammar.AnyOf(Listed(parts, types).Select(json.Written));
        return Grammar.Choice(Enum.GetValues<SchemaTypes>().Where(type => IsOne(type) && types.HasFlag(type)).Select(type => type switch
        {
            SchemaTypes.Null => JsonNodes.Null,
            SchemaTypes.Boolean => JsonNodes.Boolean,
            SchemaTypes.String => Strings(parts),
            SchemaTypes.Integer => types.HasFlag(SchemaTypes.Fraction) ? Grammar.Nothing : Integers(parts),
            SchemaTypes.Fraction => Numbers(parts),
            SchemaTypes.Array => Arrays(parts),
            _ => Objects(parts),
        }));
    }

    private static bool IsOne(SchemaTypes type) => int.PopCount((int)type) == 1;

    /// <summary>The types that all schemas allow; a schema without any describes what its keywords speak of.</summary>
    private static SchemaTypes Types(IReadOnlyList<SchemaPart> parts)
    {
        var types = parts.Where(part => part["type"] is not null).Aggregate(SchemaTypes.All, (types, part) => types & SchemaTypesReader.Read(part["type"]!.Value));
        if (parts.Any(part => (part["type"] ?? part["enum"] ?? part["const"]) is not null))
            return types;
        var described = parts.SelectMany(part => part.Schema.EnumerateObject()).Aggregate(SchemaTypes.None, (found, property) => found | SchemaTypesReader.DescribedBy(property.Name));
        return described == SchemaTypes.None ? types : described;
    }

    /// <summary>The listed values that are of the types, and in every list.</summary>
    private IEnumerable<JsonElement> Listed(IReadOnlyList<SchemaPart> parts, SchemaTypes types)
    {
        if (parts.FirstOrDefault(part => (part["enum"] ?? part["const"]) is null && part.Schema.EnumerateObject().Any(property => SchemaTypesReader.DescribedBy(property.Name) != SchemaTypes.None)) is { Path: { } path })
            faults.Add($"{path}: the schema meets an enum or const, where type alone is supported. List only values that meet it.");

        var lists = parts.Where(part => part["enum"] is not null).Select(part => part["enum"]!.Value.EnumerateArray().ToList())
            .Concat(parts.Where(part => part["const"] is not null).Select(part => new List<JsonElement> { part["const"]!.Value }))
            .ToList();
        return lists[0].Where(value => (types & SchemaTypesReader.Of(value)) != 0 && lists.TrueForAll(list => list.Exists(other => JsonElement.DeepEquals(value, other))));
    }

    private GrammarNode Strings(IReadOnlyList<SchemaPart> parts)
    {
        var formats = parts.Select(part => part["format"]?.GetString()).OfType<string>().Distinct().ToList();
        var (least, most) = Counts(parts, "minLength", "maxLength");
        if (formats.Count > 1)
            return Grammar.Nothing;
        if (formats.Count == 0)
            return least == 0 && most is null ? json.String : JsonNodes.Quoted(Grammar.Repeat(json.Character, least, most));
        if (least > 0 || most is not null)
            faults.Add($"{parts.First(part => part["format"] is not null).Path}: format meets minLength or maxLength of another schema, which is not supported. Leave them out.");
        return JsonNodes.Quoted(FormatNodes.ByName[formats[0]]);
    }

    private GrammarNode Numbers(IReadOnlyList<SchemaPart> parts)
    {
        foreach (var (part, bound) in Bounds(parts))
            faults.Add($"{part.Path}: {bound} is supported for the type integer alone, and the type is number. Use integer, or leave it out and check the value afterwards.");
        return JsonNodes.Number;
    }

    private static GrammarNode Integers(IReadOnlyList<SchemaPart> parts)
    {
        var (least, most) = ((decimal)-IntegerNodes.Largest, (decimal)IntegerNodes.Largest);
        foreach (var (part, keyword) in Bounds(parts))
        {
            var bound = part[keyword]!.Value.GetDecimal();
            var whole = decimal.Truncate(bound) == bound;
            switch (keyword)
            {
                case "minimum": least = Math.Max(least, decimal.Ceiling(bound)); break;
                case "maximum": most = Math.Min(most, decimal.Floor(bound)); break;
                case "exclusiveMinimum": least = Math.Max(least, whole ? Within(bound) + 1 : decimal.Ceiling(bound)); break;
                default: most = Math.Min(most, whole ? Within(bound) - 1 : decimal.Floor(bound)); break;
            }
        }

        return least > most ? Grammar.Nothing : IntegerNodes.Between((long)least, (long)most);
    }

    // A bound at the end of decimal's own range would overflow by one.
    private static decimal Within(decimal bound) => Math.Clamp(bound, -2m * IntegerNodes.Largest, 2m * IntegerNodes.Largest);

    private static IEnumerable<(SchemaPart Part, string Keyword)> Bounds(IReadOnlyList<SchemaPart> parts) =>
        from part in parts
        from keyword in NumberBounds
        where part[keyword] is not null
        select (part, keyword);

    private static (int Least, int? Most) Counts(IReadOnlyList<SchemaPart> parts, string least, string most) =>
        (parts.Max(part => part.Count(least)) ?? 0, parts.Min(part => part.Count(most)));
}
