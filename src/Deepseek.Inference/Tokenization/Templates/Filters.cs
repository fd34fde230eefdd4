namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>A filter: <c>value | name(arguments)</c>.</summary>
internal delegate object Filter(RenderContext context, object value, Arguments arguments);

/// <summary>All filters by name; each does what Jinja2 3.1's "List of Builtin Filters" says of it.</summary>
internal static class Filters
{
    private static readonly Dictionary<string, Filter> Table = Merge(TextFilters.Table, NumberFilters.Table, SequenceFilters.Table, SelectionFilters.Table, JsonFilters.Table);

    public static string Names => string.Join(", ", Table.Keys.Order(StringComparer.Ordinal));

    public static bool IsKnown(string name) => Table.ContainsKey(name);

    public static object Apply(RenderContext context, string name, object value, Arguments arguments)
    {
        context.Step();
        if (!Table.TryGetValue(name, out var filter))
            throw context.Error(Unknown(name));
        if (value is string text)
            context.Scan(text);
        return filter(context, value, arguments);
    }

    public static string Unknown(string name) => $"the filter '{name}' is not supported; supported are {Names}.";

    private static Dictionary<string, Filter> Merge(params ReadOnlySpan<Dictionary<string, Filter>> tables)
    {
        var all = new Dictionary<string, Filter>(StringComparer.Ordinal);
        foreach (var table in tables)
        {
            foreach (var (name, filter) in table)
                all.Add(name, filter);
        }

        return all;
    }
}
