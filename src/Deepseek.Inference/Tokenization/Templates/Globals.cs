using System.Globalization;
using System.Numerics;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Functions that every template has: Jinja2's <c>range</c>, <c>dict</c> and <c>namespace</c>, Transformers' <c>raise_exception</c> and <c>strftime_now</c>.</summary>
internal static class Globals
{
    /// <summary>The outermost scope of a rendering, which holds the functions, under one that holds <paramref name="variables"/> and the template's own.</summary>
    public static Scope Create(RenderContext context, IEnumerable<KeyValuePair<string, object>> variables)
    {
        var scope = new Scope(null);
        Define("dict", arguments => Dict(context, arguments));
        Define("namespace", arguments => Namespace(context, arguments));
        Define("raise_exception", arguments => throw context.Error(PythonText.Str(context, arguments.Bind(1, "message")[0]!)));
        Define("range", arguments => Range(context, arguments));
        Define("strftime_now", arguments => Strftime(context, arguments));

        var inner = new Scope(scope);
        foreach (var (name, value) in variables)
            inner.Set(name, value);
        return inner;

        void Define(string name, Func<Arguments, object> body) => scope.Set(name, new CallableValue(name, body));
    }

    private static MapValue Dict(RenderContext context, Arguments arguments)
    {
        var source = arguments.Positional is [MapValue given] ? given : null;
        context.ReserveMap((source?.Count ?? 0) + arguments.Named.Count, source?.KeyCharacters ?? 0);
        var map = arguments.Positional switch
        {
            [] => new MapValue(),
            [MapValue] => new MapValue(source!),
            _ => throw context.Error("'dict' takes one mapping and named values."),
        };
        foreach (var (name, value) in arguments.Named)
            map.Add(name, value);
        return map;
    }

    private static NamespaceValue Namespace(RenderContext context, Arguments arguments)
    {
        var map = Dict(context, arguments);
        var result = new NamespaceValue();
        foreach (var (key, value) in map.Entries)
        {
            if (key is not string name)
                throw context.Error($"'namespace' takes names as keys; {PythonText.TypeName(key)} was found.");
            result.Attributes[name] = value;
        }

        return result;
    }

    private static SequenceValue Range(RenderContext context, Arguments arguments)
    {
        var values = arguments.Bind(1, "start", "stop", "step");
        var first = Number(context, values[0]!);
        var (start, stop) = values[1] is { } end ? (first, Number(context, end)) : (BigInteger.Zero, first);
        var step = values[2] is { } by ? Number(context, by) : BigInteger.One;
        if (step.IsZero)
            throw context.Error("the step of 'range' must not be 0.");

        var distance = step.Sign > 0 ? stop - start : start - stop;
        var count = distance.Sign <= 0 ? 0 : (distance - 1) / BigInteger.Abs(step) + 1;
        if (count > TemplateLimits.Range)
            throw context.Error($"'range' would give {count} numbers; the limit is {TemplateLimits.Range}.");

        context.ReserveItems((long)count);
        var items = new object[(int)count];
        for (var i = 0; i < items.Length; i++)
            items[i] = start + i * step;
        var text = string.Create(CultureInfo.InvariantCulture, $"range({start}, {stop}{(step.IsOne ? "" : $", {step}")})");
        return new(items, SequenceKind.Range, text);
    }

    private static BigInteger Number(RenderContext context, object value) => Numbers.TryInteger(value, out var integer)
        ? integer
        : throw context.Error($"'range' takes integers; {Operators.Describe(value)} was found.");

    private static string Strftime(RenderContext context, Arguments arguments)
    {
        var format = PythonText.Str(context, arguments.Bind(1, "format")[0]!);
        context.Scan(format);
        return DateFormat.Format(context, format, context.Clock.GetLocalNow());
    }
}
