namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Filters that give text.</summary>
internal static class TextFilters
{
    public static readonly Dictionary<string, Filter> Table = new(StringComparer.Ordinal)
    {
        ["capitalize"] = (c, v, a) => Simple(c, v, a, PythonString.Capitalize),
        ["indent"] = Indent,
        ["join"] = Join,
        ["lower"] = (c, v, a) => Simple(c, v, a, text => text.ToLowerInvariant()),
        ["replace"] = Replace,
        ["safe"] = (c, v, a) => Simple(c, v, a, text => text), // nothing is escaped to begin with
        ["string"] = (c, v, a) => Simple(c, v, a, text => text),
        // Words begin after blanks, hyphens and opening brackets; an apostrophe ends none, unlike in the method.
        ["title"] = (c, v, a) => Simple(c, v, a, text => PythonString.Title(text, character => !PythonString.IsSpace(character) && !"-({[<".Contains(character))),
        ["trim"] = Trim,
        ["upper"] = (c, v, a) => Simple(c, v, a, text => text.ToUpperInvariant()),
    };

    private static string Simple(RenderContext context, object value, Arguments arguments, Func<string, string> convert)
    {
        arguments.Bind(0);
        return context.Built(convert(PythonText.Str(context, value)));
    }

    private static string Trim(RenderContext context, object value, Arguments arguments)
    {
        var characters = arguments.Bind(0, "chars")[0];
        var text = PythonText.Str(context, value);
        var set = characters is null or None ? null : PythonText.Str(context, characters);
        context.Search(text, set ?? "");
        return context.Built(PythonString.Strip(text, set, left: true, right: true));
    }

    private static string Replace(RenderContext context, object value, Arguments arguments)
    {
        var values = arguments.Bind(2, "old", "new", "count");
        return StringMethods.Replace(
            context,
            PythonText.Str(context, value),
            PythonText.Str(context, values[0]!),
            PythonText.Str(context, values[1]!),
            FilterValues.Integer(context, values[2], -1, "count"));
    }

    private static string Join(RenderContext context, object value, Arguments arguments)
    {
        var values = arguments.Bind(0, "d", "attribute");
        var separator = FilterValues.Text(context, values[0], "");
        var result = new TextBuilder(context);
        var first = true;
        foreach (var item in Access.Iterate(context, value))
        {
            context.Step();
            if (!first)
                result.Append(separator);
            first = false;
            result.Append(PythonText.Str(context, values[1] is null or None ? item : FilterValues.Path(context, item, values[1]!)));
        }

        return result.ToString();
    }

    // As in Jinja2, lines are cut after a newline was added, so that one at the end of the text survives.
    private static string Indent(RenderContext context, object value, Arguments arguments)
    {
        var values = arguments.Bind(0, "width", "first", "blank");
        var (indentFirst, indentBlank) = (FilterValues.Flag(values[1]), FilterValues.Flag(values[2]));
        if (value is not string text)
            throw context.Error($"the filter 'indent' takes a string; {Operators.Describe(value)} was found.");
        var result = new TextBuilder(context);
        var lines = PythonString.Lines(text + "\n");
        for (var i = 0; i < lines.Count; i++)
        {
            context.Step();
            if (i > 0)
                result.Append('\n');
            if (i == 0 ? indentFirst : indentBlank || lines[i].Length > 0)
                AppendIndention(context, result, values[0]);
            result.Append(lines[i]);
        }

        return result.ToString();
    }

    private static void AppendIndention(RenderContext context, TextBuilder result, object? width)
    {
        if (width is string text)
            result.Append(text);
        else
            result.Append(' ', Math.Max(0, FilterValues.Integer(context, width, 4, "width")));
    }
}
