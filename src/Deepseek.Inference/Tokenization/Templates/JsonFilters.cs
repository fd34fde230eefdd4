using System.Text.Json;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Filters between values and JSON.</summary>
internal static class JsonFilters
{
    public static readonly Dictionary<string, Filter> Table = new(StringComparer.Ordinal)
    {
        // Not in Jinja2 or Transformers: the templates of DeepSeek-V3.2 and V4 parse the arguments of tool calls with it.
        ["from_json"] = FromJson,
        ["tojson"] = ToJson,
    };

    // Three characters can make a mapping of some hundred bytes.
    private const int StepsPerCharacter = 16;

    // Arguments as in Transformers' own tojson (utils/chat_template_utils.py).
    private static string ToJson(RenderContext context, object value, Arguments arguments)
    {
        var values = arguments.Bind(0, "ensure_ascii", "indent", "separators", "sort_keys");
        var (item, key) = Separators(context, values[2]);
        var writer = new JsonWriter(context, FilterValues.Flag(values[0]), Indention(context, values[1]), item, key, FilterValues.Flag(values[3]));
        return writer.Write(value);
    }

    private static string? Indention(RenderContext context, object? indent) => indent switch
    {
        null or None => null,
        string text => text,
        _ => new string(' ', Math.Clamp(FilterValues.Integer(context, indent, 0, "indent"), 0, MaxIndention)),
    };

    // json.dumps takes any width; more than a line's worth serves nobody.
    private const int MaxIndention = 64;

    private static (string? Item, string? Key) Separators(RenderContext context, object? value)
    {
        if (value is null or None)
            return (null, null);
        return value is SequenceValue { Items: [string item, string key] }
            ? (item, key)
            : throw context.Error("the argument 'separators' of 'tojson' must be two strings, such as (',', ':').");
    }

    private static object FromJson(RenderContext context, object value, Arguments arguments)
    {
        arguments.Bind(0);
        if (value is not string text)
            throw context.Error($"the filter 'from_json' takes a string; {Operators.Describe(value)} was found.");
        context.Reserve(text.Length);
        context.Step((long)text.Length * StepsPerCharacter);
        try
        {
            using var document = JsonDocument.Parse(text);
            return new JsonValueReader().Read(document.RootElement);
        }
        catch (Exception fault) when (fault is JsonException or ArgumentException)
        {
            throw context.Error($"the filter 'from_json' found no valid JSON: {fault.Message}", fault);
        }
    }
}
