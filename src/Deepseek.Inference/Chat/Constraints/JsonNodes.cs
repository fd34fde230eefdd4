using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Chat.Constraints;

/// <summary>JSON (RFC 8259) as a grammar, with everything bounded on which a model could write for ever without saying anything.</summary>
/// <remarks>
/// Between two tokens of JSON there may be nothing, a space, or a line break with an indentation. Numbers have at most 16 digits before the point, 16 after it
/// and two in the exponent.
/// </remarks>
internal sealed class JsonNodes
{
    private const int DeepestAny = 24; // values within values where a schema says nothing; readers commonly take 64
    private const int WidestIndent = 40;

    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly bool _barIsEscaped;

    /// <summary>Prepares the pieces.</summary>
    /// <param name="barIsEscaped">Whether strings hold U+FF5C as an escape alone, so that no text in them looks like a marker.</param>
    public JsonNodes(bool barIsEscaped)
    {
        _barIsEscaped = barIsEscaped;
        PlainExcluded = ControlCharacters + "\"\\" + (barIsEscaped ? $"{ToolCallMarks.Bar}" : "");
        var plain = TextNodes.Except(PlainExcluded);
        Character = Grammar.Choice(plain, Escape());
        String = Quoted(Grammar.Repeat(Character, 0));
        PlainCharacter = plain;

        GrammarNode[] scalars = [String, Number, Boolean, Null];
        AnyObject = Object(Grammar.Choice(scalars));
        Any = Grammar.Choice(scalars);
        for (var depth = 0; depth < DeepestAny; depth++)
        {
            AnyObject = Object(Any);
            AnyArray = Array(Any);
            Any = Grammar.Choice([.. scalars, AnyObject, AnyArray]);
        }
    }

    /// <summary>Nothing, a space, or a new line with an indentation.</summary>
    public static GrammarNode Gap { get; } = Grammar.Choice(
        Grammar.Empty, Grammar.Text(" "), Grammar.Sequence(Grammar.Text("\n"), Grammar.Repeat(Grammar.OneOf(" \t"), 0, WidestIndent)));

    /// <summary>The colon after a name.</summary>
    public static GrammarNode Colon { get; } = Grammar.Sequence(Grammar.Text(":"), Grammar.Optional(Grammar.Text(" ")));

    /// <summary>The comma between two items.</summary>
    public static GrammarNode Comma { get; } = Grammar.Sequence(Grammar.Text(","), Gap);

    /// <summary>A number.</summary>
    public static GrammarNode Number { get; } = Grammar.Sequence(
        Grammar.Optional(Grammar.Text("-")), Whole(),
        Grammar.Optional(Grammar.Sequence(Grammar.Text("."), Digits(1, 16))),
        Grammar.Optional(Grammar.Sequence(Grammar.OneOf("eE"), Grammar.Optional(Grammar.OneOf("+-")), Digits(1, 2))));

    /// <summary>True or false.</summary>
    public static GrammarNode Boolean { get; } = Grammar.Choice(Grammar.Text("true"), Grammar.Text("false"));

    /// <summary>Null.</summary>
    public static GrammarNode Null { get; } = Grammar.Text("null");

    /// <summary>One character of a string, written plainly or as an escape.</summary>
    public GrammarNode Character { get; }

    /// <summary>One character of a string, written plainly.</summary>
    public GrammarNode PlainCharacter { get; }

    /// <summary>The characters that cannot be written plainly.</summary>
    public string PlainExcluded { get; }

    /// <summary>Any string.</summary>
    public GrammarNode String { get; }

    /// <summary>Any object.</summary>
    public GrammarNode AnyObject { get; }

    /// <summary>Any array.</summary>
    public GrammarNode AnyArray { get; } = Grammar.Nothing;

    /// <summary>Any value.</summary>
    public GrammarNode Any { get; }

    private static string ControlCharacters => string.Concat(Enumerable.Range(0, 0x20).Select(code => (char)code));

    /// <summary>Something between quotation marks.</summary>
    public static GrammarNode Quoted(GrammarNode content) => Grammar.Sequence(Grammar.Text("\""), content, Grammar.Text("\""));

    /// <summary>A number of decimal digits.</summary>
    public static GrammarNode Digits(int least, int most) => Grammar.Repeat(Grammar.OneOf("0123456789"), least, most);

    /// <summary>A value, written without spaces.</summary>
    public string Written(JsonElement value) => Written(value.WriteTo);

    /// <summary>A string, with its quotation marks.</summary>
    public string Written(string value) => Written(writer => writer.WriteStringValue(value));

    private string Written(Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, Compact))
            write(writer);
        var json = Encoding.UTF8.GetString(bytes.ToArray());
        return _barIsEscaped ? json.Replace($"{ToolCallMarks.Bar}", "\\uff5c", StringComparison.Ordinal) : json;
    }

    private GrammarNode Object(GrammarNode value)
    {
        var member = Grammar.Sequence(String, Colon, value);
        return Grammar.Sequence(Grammar.Text("{"), Gap, Listed(member), Grammar.Text("}"));
    }

    private static GrammarNode Array(GrammarNode value) => Grammar.Sequence(Grammar.Text("["), Gap, Listed(value), Grammar.Text("]"));

    private static GrammarNode Listed(GrammarNode item) =>
        Grammar.Optional(Grammar.Sequence(item, Grammar.Repeat(Grammar.Sequence(Comma, item), 0), Gap));

    private static GrammarNode Whole() => Grammar.Choice(Grammar.Text("0"), Grammar.Sequence(Grammar.OneOf("123456789"), Digits(0, 15)));

    // Halves of surrogate pairs come in pairs, or readers could not make text of them.
    private static GrammarNode Escape()
    {
        var hex = Grammar.OneOf("0123456789abcdefABCDEF");
        var surrogate = Grammar.OneOf("dD");
        return Grammar.Sequence(Grammar.Text("\\"), Grammar.Choice(
            Grammar.OneOf("\"\\/bfnrt"),
            Grammar.Sequence(Grammar.Text("u"), Grammar.OneOf("0123456789abcefABCEF"), hex, hex, hex),
            Grammar.Sequence(Grammar.Text("u"), surrogate, Grammar.OneOf("01234567"), hex, hex),
            Grammar.Sequence(
                Grammar.Text("u"), surrogate, Grammar.OneOf("89abAB"), hex, hex,
                Grammar.Text("\\u"), surrogate, Grammar.OneOf("cdefCDEF"), hex, hex)));
    }
}
