using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Turns JSON into values, as Python's <c>json.loads</c> does.</summary>
internal sealed class JsonValueReader
{
    /// <summary>UTF-16 units of all strings and keys read so far, and one for each other value.</summary>
    public long Characters { get; private set; }

    /// <summary>Takes a string that is no JSON.</summary>
    public string Read(string text)
    {
        Characters += text.Length;
        return text;
    }

    /// <exception cref="ArgumentException">Too deep, too long an integer, or a string that is no valid Unicode.</exception>
    public object Read(JsonElement element, int depth = 0)
    {
        if (depth > TemplateLimits.ValueDepth)
            throw new ArgumentException($"JSON lies deeper within itself than the limit of {TemplateLimits.ValueDepth} levels.");
        Characters++;
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var map = new MapValue();
                foreach (var property in element.EnumerateObject())
                    map.Add(Text(() => property.Name), Read(property.Value, depth + 1));
                return map;
            case JsonValueKind.Array:
                List<object> items = [];
                foreach (var item in element.EnumerateArray())
                    items.Add(Read(item, depth + 1));
                return new SequenceValue(items);
            case JsonValueKind.String: return Text(() => element.GetString()!);
            case JsonValueKind.Number: return Number(element);
            case JsonValueKind.True: return true;
            case JsonValueKind.False: return false;
            case JsonValueKind.Null: return None.Value;
            default: throw new ArgumentException("a JSON element is empty; it must come from a parsed document.");
        }
    }

    private string Text(Func<string> read)
    {
        try
        {
            return Read(read());
        }
        catch (InvalidOperationException fault)
        {
            throw new ArgumentException($"a JSON string escapes half of a surrogate pair: {fault.Message}", fault);
        }
    }

    private static object Number(JsonElement element)
    {
        var text = element.GetRawText();
        if (text.AsSpan().IndexOfAny('.', 'e', 'E') >= 0)
            return element.GetDouble();
        return text.Length <= TemplateLimits.IntegerDigits
            ? BigInteger.Parse(text, CultureInfo.InvariantCulture)
            : throw new ArgumentException($"a JSON integer has {text.Length} digits; the limit is {TemplateLimits.IntegerDigits}.");
    }
}
