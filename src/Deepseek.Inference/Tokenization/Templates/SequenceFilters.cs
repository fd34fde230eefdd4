using System.Numerics;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Filters that take or give items.</summary>
internal static class SequenceFilters
{
    public static readonly Dictionary<string, Filter> Table = new(StringComparer.Ordinal)
    {
        ["d"] = Default,
        ["default"] = Default,
        ["dictsort"] = DictSort,
        ["first"] = First,
        ["items"] = Items,
        ["last"] = Last,
        ["list"] = ToList,
        ["max"] = (c, v, a) => Extreme(c, v, a, sign: 1),
        ["min"] = (c, v, a) => Extreme(c, v, a, sign: -1),
        ["reverse"] = Reverse,
        ["sort"] = Sort,
        ["sum"] = Sum,
        ["unique"] = Unique,
    };

    private static object Default(RenderContext context, object value, Arguments arguments)
    {
        var values = arguments.Bind(0, "default_value", "boolean");
        return value is Undefined || (FilterValues.Flag(values[1]) && !Operators.IsTrue(value)) ? values[0] ?? "" : value;
    }

    private static object First(RenderContext context, object value, Arguments arguments)
    {
        arguments.Bind(0);
        return Access.Iterate(context, value).FirstOrDefault() ?? new Undefined("there is no first item");
    }

    private static object Last(RenderContext context, object value, Arguments arguments)
    {
        arguments.Bind(0);
        if (value is string { Length: > 0 } text)
            return PythonString.Last(text);
        if (value is IteratorValue)
            throw context.Error("an iterator has no last item; apply the filter 'list' first.");
        return Access.Iterate(context, value).LastOrDefault() ?? new Undefined("there is no last item");
    }

    private static SequenceValue ToList(RenderContext context, object value, Arguments arguments)
    {
        arguments.Bind(0);
        return new SequenceValue(Access.ToItems(context, value));
    }

    private static IteratorValue Items(RenderContext context, object value, Arguments arguments)
    {
        arguments.Bind(0);
        return value switch
        {
            Undefined => new IteratorValue([]),
            MapValue map => new IteratorValue(map.Entries.Select(entry => SequenceValue.Pair(entry.Key, entry.Value))),
            _ => throw context.Error($"the filter 'items' takes a mapping; {Operators.Describe(value)} was found."),
        };
    }

    private static object Reverse(RenderContext context, object value, Arguments arguments)
    {
        arguments.Bind(0);
        if (value is string text)
        {
            context.Reserve(text.Length);
            return PythonString.Reverse(text);
        }

        var items = Access.ToItems(context, value);
        items.Reverse();
        return new IteratorValue(items);
    }

    private static SequenceValue Sort(RenderContext context, object value, Arguments arguments)
    {
        var values = arguments.Bind(0, "reverse", "case_sensitive", "attribute");
        var key = Sorting.Key(context, values[2], FilterValues.Flag(values[1]));
        return new SequenceValue(Sorting.Sort(context, Access.ToItems(context, value), key, FilterValues.Flag(values[0])));
    }

    private static SequenceValue DictSort(RenderContext context, object value, Arguments arguments)
    {
        var values = arguments.Bind(0, "case_sensitive", "by", "reverse");
        var by = FilterValues.Text(context, values[1], "key");
        if (value is not MapValue map)
            throw context.Error($"the filter 'dictsort' takes a mapping; {Operators.Describe(value)} was found.");
        if (by is not ("key" or "value"))
            throw context.Error($"the argument 'by' is '{by}'; it must be key or value.");

        context.ReserveItems(map.Count);
        List<object> pairs = [.. map.Entries.Select(entry => SequenceValue.Pair(entry.Key, entry.Value))];
        var key = Sorting.Key(context, (BigInteger)(by == "key" ? 0 : 1), FilterValues.Flag(values[0]));
        return new SequenceValue(Sorting.Sort(context, pairs, key, FilterValues.Flag(values[2])));
    }

    private static IteratorValue Unique(RenderContext context, object value, Arguments arguments)
    {
        var values = arguments.Bind(0, "case_sensitive", "attribute");
        var key = Sorting.Key(context, values[1], FilterValues.Flag(values[0]));
        var seen = new HashSet<object>(KeyComparer.Instance);
        List<object> kept = [];
        foreach (var item in Access.ToItems(context, value))
        {
            var part = key(item);
            if (!KeyComparer.IsKey(part))
                throw context.Error($"the filter 'unique' takes strings and numbers; {Operators.Describe(part)} was found.");
            if (part is string text)
                context.Scan(text);
            if (seen.Add(part))
                kept.Add(item);
        }

        return new IteratorValue(kept);
    }

    private static object Extreme(RenderContext context, object value, Arguments arguments, int sign)
    {
        var values = arguments.Bind(0, "case_sensitive", "attribute");
        var key = Sorting.Key(context, values[1], FilterValues.Flag(values[0]));
        object? best = null;
        foreach (var item in Access.Iterate(context, value))
        {
            if (best is null || Operators.Order(context, key(item), key(best)) * sign > 0)
                best = item;
        }

        return best ?? new Undefined("there is no item to choose from");
    }

    private static object Sum(RenderContext context, object value, Arguments arguments)
    {
        var values = arguments.Bind(0, "attribute", "start");
        var total = values[1] ?? BigInteger.Zero;
        foreach (var item in Access.Iterate(context, value))
        {
            context.Step();
            total = Operators.Binary(context, "+", total, values[0] is null or None ? item : FilterValues.Path(context, item, values[0]!));
        }

        return total;
    }
}
