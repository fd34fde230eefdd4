namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Filters that apply another filter or a test to every item; all give iterators, as in Jinja2.</summary>
internal static class SelectionFilters
{
    public static readonly Dictionary<string, Filter> Table = new(StringComparer.Ordinal)
    {
        ["map"] = Map,
        ["reject"] = (c, v, a) => Select(c, v, a, byAttribute: false, wanted: false),
        ["rejectattr"] = (c, v, a) => Select(c, v, a, byAttribute: true, wanted: false),
        ["select"] = (c, v, a) => Select(c, v, a, byAttribute: false, wanted: true),
        ["selectattr"] = (c, v, a) => Select(c, v, a, byAttribute: true, wanted: true),
    };

    private static IteratorValue Map(RenderContext context, object value, Arguments arguments)
    {
        List<object> results = [];
        if (arguments.Positional.Count == 0)
        {
            var values = arguments.Bind(0, "attribute", "default");
            var attribute = values[0] ?? throw context.Error("the filter 'map' needs the name of a filter, or the argument 'attribute'.");
            foreach (var item in Access.ToItems(context, value))
            {
                var part = FilterValues.Path(context, item, attribute);
                results.Add(part is Undefined ? values[1] ?? part : part);
            }

            return new IteratorValue(results);
        }

        var name = Name(context, arguments.Positional[0], "map", "filter");
        var rest = new Arguments(context, $"the filter '{name}'", [.. arguments.Positional.Skip(1)], arguments.Named);
        context.Enter();
        foreach (var item in Access.ToItems(context, value))
            results.Add(Filters.Apply(context, name, item, rest));
        context.Leave();
        return new IteratorValue(results);
    }

    private static IteratorValue Select(RenderContext context, object value, Arguments arguments, bool byAttribute, bool wanted)
    {
        var skip = byAttribute ? 1 : 0;
        if (arguments.Positional.Count < skip)
            throw context.Error($"{arguments.Callee} needs the name of an attribute first.");
        var test = arguments.Positional.Count > skip ? Name(context, arguments.Positional[skip], arguments.Callee, "test") : null;
        var rest = new Arguments(context, $"the test '{test}'", [.. arguments.Positional.Skip(skip + 1)], arguments.Named);

        List<object> kept = [];
        foreach (var item in Access.ToItems(context, value))
        {
            var part = byAttribute ? FilterValues.Path(context, item, arguments.Positional[0]) : item;
            if ((test is null ? Operators.IsTrue(part) : Tests.Apply(context, test, part, rest)) == wanted)
                kept.Add(item);
        }

        return new IteratorValue(kept);
    }

    private static string Name(RenderContext context, object value, string callee, string what) => value as string
        ?? throw context.Error($"{callee} takes the name of a {what} as a string; {Operators.Describe(value)} was found.");
}
