using System.Globalization;
using System.Numerics;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Filters that give numbers.</summary>
internal static class NumberFilters
{
    public static readonly Dictionary<string, Filter> Table = new(StringComparer.Ordinal)
    {
        ["abs"] = Abs,
        ["count"] = (c, v, a) => Length(c, v, a),
        ["float"] = ToFloat,
        ["int"] = ToInteger,
        ["length"] = (c, v, a) => Length(c, v, a),
        ["round"] = Round,
    };

    private static object Abs(RenderContext context, object value, Arguments arguments)
    {
        arguments.Bind(0);
        if (Numbers.TryInteger(value, out var integer))
            return BigInteger.Abs(integer);
        return value is double number ? Math.Abs(number) : throw context.Error($"the filter 'abs' takes a number; {Operators.Describe(value)} was found.");
    }

    private static BigInteger Length(RenderContext context, object value, Arguments arguments)
    {
        arguments.Bind(0);
        return Access.Length(context, value) ?? throw context.Error(
            $"{PythonText.TypeName(value)} has no length; a string, list, tuple or mapping has{(value is IteratorValue ? ", so apply the filter 'list' first" : "")}.");
    }

    private static object ToFloat(RenderContext context, object value, Arguments arguments)
    {
        var missing = arguments.Bind(0, "default")[0] ?? 0.0;
        RefuseUndefined(context, value, "float");
        return Numbers.IsNumber(value) ? Numbers.ToDouble(value) : value is string text && TryFloat(text, out var number) ? number : missing;
    }

    private static object ToInteger(RenderContext context, object value, Arguments arguments)
    {
        var missing = arguments.Bind(0, "default")[0] ?? BigInteger.Zero;
        RefuseUndefined(context, value, "int");
        if (Numbers.TryInteger(value, out var integer))
            return integer;
        if (value is string text)
        {
            var trimmed = WithoutGroups(PythonString.Strip(text, null, left: true, right: true));
            if (trimmed.Length <= TemplateLimits.IntegerDigits && BigInteger.TryParse(trimmed, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out integer))
                return Numbers.Bounded(context, integer);
        }

        var number = value is double d ? d : value is string digits && TryFloat(digits, out var parsed) ? parsed : double.NaN;
        return double.IsFinite(number) ? new BigInteger(number) : missing;
    }

    // Halves go to the even neighbour; only the common way leaves an integer what it is.
    private static object Round(RenderContext context, object value, Arguments arguments)
    {
        var values = arguments.Bind(0, "precision", "method");
        var precision = FilterValues.Integer(context, values[0], 0, "precision");
        var method = FilterValues.Text(context, values[1], "common");
        if (!Numbers.IsNumber(value))
            throw context.Error($"the filter 'round' takes a number; {Operators.Describe(value)} was found.");
        if (precision is < 0 or > 15)
            throw context.Error($"the argument 'precision' is {precision}; it must be 0 to 15.");

        if (method == "common" && Numbers.TryInteger(value, out var integer))
            return integer;
        var number = Numbers.ToDouble(value);
        var scale = Math.Pow(10, precision);
        return method switch
        {
            "common" when precision == 0 => Math.Round(number),
            "common" => double.Parse(number.ToString($"F{precision}", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
            "ceil" => Math.Ceiling(number * scale) / scale,
            "floor" => Math.Floor(number * scale) / scale,
            _ => throw context.Error($"the argument 'method' is '{method}'; it must be common, ceil or floor."),
        };
    }

    private static bool TryFloat(string text, out double number)
    {
        number = 0;
        return text.Length <= TemplateLimits.IntegerDigits
            && double.TryParse(WithoutGroups(PythonString.Strip(text, null, left: true, right: true)), NumberStyles.Float, CultureInfo.InvariantCulture, out number);
    }

    // Python reads 1_000; an underscore must stand between digits.
    private static string WithoutGroups(string text)
    {
        for (var i = text.IndexOf('_', StringComparison.Ordinal); i >= 0; i = text.IndexOf('_', i + 1))
        {
            if (i == 0 || i + 1 == text.Length || !char.IsAsciiDigit(text[i - 1]) || !char.IsAsciiDigit(text[i + 1]))
                return text;
        }

        return text.Replace("_", "", StringComparison.Ordinal);
    }

    private static void RefuseUndefined(RenderContext context, object value, string filter)
    {
        if (value is Undefined undefined)
            throw context.Error($"{undefined.Reason}, so the filter '{filter}' cannot convert it.");
    }
}
