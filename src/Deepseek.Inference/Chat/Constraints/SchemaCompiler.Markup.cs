using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Chat.Constraints;

/// <summary>Objects in V3.2's markup: a tag for each member, strings as they are, everything else as JSON.</summary>
internal sealed partial class SchemaCompiler
{
    private static readonly string RawExcluded = string.Concat(Enumerable.Range(0, 0x20).Select(code => (char)code).Except(['\n', '\t']));

    /// <summary>The objects of the whole schema, each member in a tag.</summary>
    public GrammarNode CompileMarkup() => Finished(Compile([Root], "markup ", Tags));

    private GrammarNode Tags(IReadOnlyList<SchemaPart> parts)
    {
        if (!Types(parts).HasFlag(SchemaTypes.Object))
            return Grammar.Nothing;
        return Listed(Members(parts).ConvertAll(member => (Tag(member.Name, member.Schemas), member.IsRequired)), Grammar.Empty, Grammar.Nothing);
    }

    private GrammarNode Tag(string name, List<SchemaPart> schemas)
    {
        var dsml = Grammar.Marker(ToolCallMarks.Dsml);
        GrammarNode Tagged(string isString, GrammarNode value) => Grammar.Sequence(
            Grammar.Text("<"), dsml, Grammar.Text($"parameter name=\"{name}\" string=\"{isString}\">"), value,
            Grammar.Text("</"), dsml, Grammar.Text("parameter>\n"));
        return Grammar.Choice(
            Tagged("true", Compile(schemas, "raw ", RawStrings)),
            Tagged("false", Compile(schemas, "rest ", parts => Values(parts, SchemaTypes.All & ~SchemaTypes.String))));
    }

    private GrammarNode RawStrings(IReadOnlyList<SchemaPart> parts)
    {
        if (!Types(parts).HasFlag(SchemaTypes.String))
            return Grammar.Nothing;
        if (parts.Any(part => (part["enum"] ?? part["const"]) is not null))
            return Grammar.AnyOf(Listed(parts, SchemaTypes.String & Types(parts)).Select(value => value.GetString()!).Where(text => !text.Contains(ToolCallMarks.Bar, StringComparison.Ordinal)));
        if (parts.Select(part => part["format"]?.GetString()).OfType<string>().Distinct().ToList() is { Count: > 0 } formats)
            return formats.Count == 1 ? FormatNodes.ByName[formats[0]] : Grammar.Nothing;
        var (least, most) = Counts(parts, "minLength", "maxLength");
        return least == 0 && most is null ? RawText() : Grammar.Repeat(TextNodes.Except(RawExcluded + "<"), least, most);
    }

    /// <summary>Any text in which no closing tag of the markup begins: after <c>&lt;/</c> comes no bar.</summary>
    private static ReferenceNode RawText()
    {
        var (plain, opened, slashed) = (new ReferenceNode(), new ReferenceNode(), new ReferenceNode());
        var open = Grammar.Sequence(Grammar.Text("<"), opened);
        plain.Target = Grammar.Optional(Grammar.Choice(open, Grammar.Sequence(TextNodes.Except(RawExcluded + "<"), plain)));
        opened.Target = Grammar.Optional(Grammar.Choice(
            open, Grammar.Sequence(Grammar.Text("/"), slashed), Grammar.Sequence(TextNodes.Except(RawExcluded + "</"), plain)));
        slashed.Target = Grammar.Optional(Grammar.Choice(open, Grammar.Sequence(TextNodes.Except(RawExcluded + "<" + ToolCallMarks.Bar), plain)));
        return plain;
    }
}
