namespace Deepseek.Inference.Chat.Constraints;

/// <summary>Arrays.</summary>
internal sealed partial class SchemaCompiler
{
    private GrammarNode Arrays(IReadOnlyList<SchemaPart> parts)
    {
        var (least, most) = Counts(parts, "minItems", "maxItems");
        var places = parts.Max(part => (int?)part.ListBelow("prefixItems").Count()) ?? 0;
        if (least == 0 && most is null && places == 0 && parts.All(part => part["items"] is null))
            return json.AnyArray;

        // A schema by place asks for no more items than that, though it would allow them.
        var rest = places > 0 && least <= places && parts.All(part => part["items"] is null) ? Grammar.Nothing : Item(parts, places);
        return Grammar.Sequence(Grammar.Text("["), JsonNodes.Gap, Items(parts, 0, places, least, most, rest), JsonNodes.Gap, Grammar.Text("]"));
    }

    /// <summary>The items from a place on.</summary>
    private GrammarNode Items(IReadOnlyList<SchemaPart> parts, int place, int places, int least, int? most, GrammarNode rest)
    {
        if (place == most)
            return least > place ? Grammar.Nothing : Grammar.Empty;
        if (place < places)
        {
            var more = Grammar.Sequence(After(place, Item(parts, place)), Items(parts, place + 1, places, least, most, rest));
            return place < least ? more : Grammar.Optional(more);
        }

        if (place > 0)
            return Grammar.Repeat(After(place, rest), Math.Max(0, least - place), most - place);
        var some = Grammar.Sequence(rest, Grammar.Repeat(After(1, rest), Math.Max(0, least - 1), most - 1));
        return least > 0 ? some : Grammar.Optional(some);
    }

    private static GrammarNode After(int place, GrammarNode item) => place == 0 ? item : Grammar.Sequence(JsonNodes.Comma, item);

    /// <summary>The item at a place, or behind all that have a schema of their own.</summary>
    private GrammarNode Item(IReadOnlyList<SchemaPart> parts, int place)
    {
        List<SchemaPart> schemas = [];
        foreach (var part in parts)
        {
            if (part.ListBelow("prefixItems").Skip(place).Cast<SchemaPart?>().FirstOrDefault() is { } own)
                schemas.Add(own);
            else if (part["items"] is not null)
                schemas.Add(part.Below("items"));
        }

        return schemas.Count == 0 ? json.Any : Compile(schemas);
    }
}
