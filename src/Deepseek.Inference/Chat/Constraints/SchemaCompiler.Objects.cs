namespace Deepseek.Inference.Chat.Constraints;

/// <summary>Objects.</summary>
internal sealed partial class SchemaCompiler
{
    private GrammarNode Objects(IReadOnlyList<SchemaPart> parts)
    {
        var members = Members(parts);
        var names = members.ConvertAll(member => member.Name);
        if (names.Count == 0 && parts.All(part => part["additionalProperties"] is null))
            return json.AnyObject;

        GrammarNode extra = Extra(parts, names) is { } schemas ? Grammar.Sequence(OtherName(names), JsonNodes.Colon, ValueOf(schemas)) : Grammar.Nothing;
        var written = members.ConvertAll(member => (Grammar.Sequence(Grammar.Text(json.Written(member.Name)), JsonNodes.Colon, ValueOf(member.Schemas)), member.IsRequired));
        return Grammar.Sequence(
            Grammar.Text("{"), JsonNodes.Gap, Listed(written, JsonNodes.Comma, extra), JsonNodes.Gap, Grammar.Text("}"));
    }

    /// <summary>Members in their order, optional ones perhaps left out, then any number of others.</summary>
    private static GrammarNode Listed(List<(GrammarNode Node, bool IsRequired)> members, GrammarNode comma, GrammarNode extra)
    {
        // From the end: what may follow where a member is already written, and where none is.
        var followed = Grammar.Repeat(Grammar.Sequence(comma, extra), 0);
        var first = Grammar.Optional(Grammar.Sequence(extra, followed));
        for (var i = members.Count - 1; i >= 0; i--)
        {
            var (node, isRequired) = members[i];
            var (here, next) = (Grammar.Sequence(node, followed), Grammar.Sequence(comma, node, followed));
            (first, followed) = isRequired ? (here, next) : (Grammar.Choice(here, first), Grammar.Choice(next, followed));
        }

        return first;
    }

    /// <summary>All named members, in the order in which schemas name them, with what each must meet.</summary>
    private static List<(string Name, List<SchemaPart> Schemas, bool IsRequired)> Members(IReadOnlyList<SchemaPart> parts)
    {
        var required = parts.SelectMany(part => part["required"]?.EnumerateArray().Select(name => name.GetString()!) ?? []).ToHashSet(StringComparer.Ordinal);
        var own = parts.Select(part => part.NamedBelow("properties").ToDictionary(entry => entry.Name, entry => entry.Part, StringComparer.Ordinal)).ToList();
        var names = own.SelectMany(properties => properties.Keys).Concat(required).Distinct(StringComparer.Ordinal);
        return [.. names.Select(name => (name, parts.Zip(own).SelectMany(pair => Met(pair.First, pair.Second, name)).ToList(), required.Contains(name)))];
    }

    /// <summary>What a member must meet for one schema: its own entry, or else what the schema asks of all others.</summary>
    private static IEnumerable<SchemaPart> Met(SchemaPart part, Dictionary<string, SchemaPart> properties, string name)
    {
        if (properties.TryGetValue(name, out var own))
            yield return own;
        else if (part["additionalProperties"] is not null)
            yield return part.Below("additionalProperties");
    }

    /// <summary>What members without a name must meet; null where there are none. A schema that names members and says no more has no others.</summary>
    private static List<SchemaPart>? Extra(IReadOnlyList<SchemaPart> parts, List<string> names)
    {
        var schemas = parts.Where(part => part["additionalProperties"] is not null).Select(part => part.Below("additionalProperties")).ToList();
        return schemas.Count == 0 && names.Count > 0 ? null : schemas;
    }

    private GrammarNode ValueOf(List<SchemaPart> schemas) => schemas.Count == 0 ? json.Any : Compile(schemas);

    /// <summary>A member's name that is none of those given. It is written without escapes: these could spell one of them.</summary>
    private GrammarNode OtherName(IReadOnlyList<string> names) => JsonNodes.Quoted(OtherThan(names, 0));

    private GrammarNode OtherThan(IReadOnlyList<string> names, int from)
    {
        if (names.Count == 0)
            return Grammar.Repeat(json.PlainCharacter, 0);
        // By the next character: one that none of them has leads away from all.
        var ascii = names.Where(name => name.Length > from && name[from] < 0x80).ToLookup(name => name[from]);
        var hasOther = names.Any(name => name.Length > from && name[from] >= 0x80);
        var away = Grammar.Sequence(TextNodes.Except(json.PlainExcluded + string.Concat(ascii.Select(group => group.Key)), asciiOnly: hasOther), Grammar.Repeat(json.PlainCharacter, 0));
        var along = ascii.Where(group => !json.PlainExcluded.Contains(group.Key, StringComparison.Ordinal))
            .Select(group => Grammar.Sequence(Grammar.Text($"{group.Key}"), OtherThan([.. group], from + 1)));
        return Grammar.Choice([.. names.Any(name => name.Length == from) ? Array.Empty<GrammarNode>() : [Grammar.Empty], away, .. along]);
    }
}
