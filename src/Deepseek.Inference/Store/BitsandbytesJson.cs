using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Deepseek.Inference.Store;

/// <summary>JSON in the form of Python's <c>json.dumps</c>, in which Transformers writes its files: they come out byte for byte alike.</summary>
/// <remarks>Python documentation, "json — JSON encoder and decoder": separators <c>", "</c> and <c>": "</c>, an indented line's end without a space, everything beyond ASCII escaped.</remarks>
internal static class BitsandbytesJson
{
    /// <summary>A text in one line, in the order given.</summary>
    /// <param name="value">Null, a truth value, a whole number, a double, a string, a list, pairs of keys and values, or a <see cref="JsonElement"/>.</param>
    public static string Line(object? value) => Write(value, indent: false);

    /// <summary>A text indented by two, with sorted keys and a line's end after it.</summary>
    /// <inheritdoc cref="Line" path="/param"/>
    public static string Indented(object? value) => Write(value, indent: true) + "\n";

    /// <summary>A double as Python's <c>repr</c> has it: the shortest digits that give the value again.</summary>
    public static string Float(double value)
    {
        // .NET finds the same digits and puts the point elsewhere; Python writes an exponent below 10⁻⁴ and from 10¹⁶ on.
        var sign = double.IsNegative(value) ? "-" : "";
        var (digits, exponent) = Digits(value);
        if (digits.Length == 0)
            return sign + "0.0";
        if (exponent is < -4 or >= 16)
        {
            var fraction = digits.Length > 1 ? "." + digits[1..] : "";
            return string.Create(CultureInfo.InvariantCulture, $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
        }

        if (exponent < 0)
            return sign + "0." + new string('0', -exponent - 1) + digits;
        digits = digits.PadRight(exponent + 2, '0');
        return $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
    }

    /// <summary>The shortest digits, and the power of ten of the first; no digits for 0.</summary>
    private static (string Digits, int Exponent) Digits(double value)
    {
        var parts = value.ToString("R", CultureInfo.InvariantCulture).TrimStart('-').Split('E');
        var point = parts[0].IndexOf('.', StringComparison.Ordinal);
        var digits = parts[0].Replace(".", "", StringComparison.Ordinal);
        var zeros = digits.Length - digits.TrimStart('0').Length;
        var exponent = parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0;
        return (digits.Trim('0'), (point < 0 ? digits.Length : point) - 1 - zeros + exponent);
    }

    private static string Write(object? value, bool indent)
    {
        var text = new StringBuilder();
        Append(text, value, indent ? 1 : 0);
        return text.ToString();
    }

    /// <param name="text">Is appended to.</param>
    /// <param name="value">What to append.</param>
    /// <param name="depth">How deep the items of a list or an object stand; 0 where all is one line.</param>
    private static void Append(StringBuilder text, object? value, int depth)
    {
        switch (value)
        {
            case null:
                text.Append("null");
                break;
            case bool truth:
                text.Append(truth ? "true" : "false");
                break;
            case string characters:
                AppendString(text, characters);
                break;
            case double number:
                text.Append(Float(number));
                break;
            case int or long:
                text.Append(CultureInfo.InvariantCulture, $"{value}");
                break;
            case JsonElement element:
                AppendElement(text, element, depth);
                break;
            case IEnumerable<KeyValuePair<string, object?>> pairs:
                pairs = depth > 0 ? pairs.OrderBy(pair => pair.Key, StringComparer.Ordinal) : pairs;
                AppendItems(text, "{}", pairs, depth, pair =>
                {
                    AppendString(text, pair.Key);
                    text.Append(": ");
                    Append(text, pair.Value, Deeper(depth));
                });
                break;
            case System.Collections.IEnumerable items:
                AppendItems(text, "[]", items.Cast<object?>(), depth, item => Append(text, item, Deeper(depth)));
                break;
            default:
                throw new ArgumentException($"A value is {value.GetType().Name}; JSON has no such type.", nameof(value));
        }
    }

    private static void AppendElement(StringBuilder text, JsonElement element, int depth)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                // Of a key that is stated twice, Python keeps the last.
                Dictionary<string, object?> pairs = new(StringComparer.Ordinal);
                foreach (var property in element.EnumerateObject())
                    pairs[property.Name] = property.Value;
                Append(text, pairs, depth);
                break;
            case JsonValueKind.Array:
                Append(text, element.EnumerateArray().Select(item => (object?)item), depth);
                break;
            case JsonValueKind.String:
                AppendString(text, element.GetString()!);
                break;
            case JsonValueKind.Number:
                var raw = element.GetRawText();
                text.Append(raw.AsSpan().ContainsAny('.', 'e', 'E') && element.TryGetDouble(out var number) && double.IsFinite(number) ? Float(number) : raw);
                break;
            default:
                text.Append(element.GetRawText()); // null and the truth values
                break;
        }
    }

    private static void AppendItems<T>(StringBuilder text, string brackets, IEnumerable<T> items, int depth, Action<T> append)
    {
        text.Append(brackets[0]);
        var any = false;
        foreach (var item in items)
        {
            text.Append(any ? depth > 0 ? "," : ", " : "");
            AppendLine(text, depth);
            append(item);
            any = true;
        }

        if (any)
            AppendLine(text, depth - 1, depth > 0);
        text.Append(brackets[1]);
    }

    private static void AppendLine(StringBuilder text, int depth, bool always = false)
    {
        if (depth > 0 || always)
            text.Append('\n').Append(' ', 2 * depth);
    }

    private static int Deeper(int depth) => depth > 0 ? depth + 1 : 0;

    private static void AppendString(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (var unit in value)
        {
            _ = unit switch
            {
                '"' or '\\' => text.Append('\\').Append(unit),
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                '\f' => text.Append("\\f"),
                '\b' => text.Append("\\b"),
                < ' ' or > '~' => text.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}"),
                _ => text.Append(unit),
            };
        }

        text.Append('"');
    }
}
