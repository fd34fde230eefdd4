using System.Globalization;
using System.Numerics;
using System.Text;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Values as text: Python's <c>str</c> and <c>repr</c>.</summary>
internal static class PythonText
{
    /// <summary>What <c>{{ value }}</c> prints.</summary>
    public static string Str(RenderContext context, object value)
    {
        switch (value)
        {
            case string text:
                return text;
            case Undefined:
                return "";
            default:
                var result = new TextBuilder(context);
                WriteRepr(context, value, result, 0);
                return result.ToString();
        }
    }

    /// <summary>The type as errors name it.</summary>
    public static string TypeName(object value) => value switch
    {
        None => "None",
        Undefined => "an undefined value",
        bool => "a boolean",
        BigInteger => "an integer",
        double => "a float",
        string => "a string",
        SequenceValue { Kind: SequenceKind.List } => "a list",
        SequenceValue { Kind: SequenceKind.Tuple } => "a tuple",
        SequenceValue { Kind: SequenceKind.Range } => "a range",
        SequenceValue => "a view of a mapping",
        MapValue => "a mapping",
        IteratorValue => "an iterator",
        NamespaceValue => "a namespace",
        LoopValue => "the loop variable",
        CallableValue callable => $"the function '{callable.Name}'",
        _ => value.GetType().Name,
    };

    private static void WriteRepr(RenderContext context, object value, TextBuilder result, int depth)
    {
        context.Step();
        context.CheckValueDepth(depth);
        switch (value)
        {
            case None: result.Append("None"); break;
            case Undefined: result.Append("Undefined"); break;
            case bool b: result.Append(b ? "True" : "False"); break;
            case BigInteger i: result.Append(i.ToString(CultureInfo.InvariantCulture)); break;
            case double d: result.Append(Numbers.Format(d)); break;
            case string text: WriteQuoted(context, text, result); break;
            case SequenceValue sequence: WriteSequence(context, sequence, result, depth); break;
            case MapValue map: WriteMap(context, map, result, depth); break;
            case NamespaceValue: result.Append("<Namespace>"); break;
            case LoopValue loop: result.Append($"<LoopContext {loop.Index}/{loop.Length}>"); break;
            case CallableValue callable: result.Append($"<function {callable.Name}>"); break;
            default: result.Append("<generator object>"); break;
        }
    }

    private static void WriteSequence(RenderContext context, SequenceValue sequence, TextBuilder result, int depth)
    {
        if (sequence.Text is not null)
        {
            result.Append(sequence.Text);
            return;
        }

        var (open, close) = sequence.Kind switch
        {
            SequenceKind.List => ("[", "]"),
            SequenceKind.Tuple => ("(", sequence.Items.Count == 1 ? ",)" : ")"),
            SequenceKind.Keys => ("dict_keys([", "])"),
            SequenceKind.Values => ("dict_values([", "])"),
            _ => ("dict_items([", "])"),
        };
        result.Append(open);
        for (var i = 0; i < sequence.Items.Count; i++)
        {
            if (i > 0)
                result.Append(", ");
            WriteRepr(context, sequence.Items[i], result, depth + 1);
        }

        result.Append(close);
    }

    private static void WriteMap(RenderContext context, MapValue map, TextBuilder result, int depth)
    {
        result.Append('{');
        var first = true;
        foreach (var (key, value) in map.Entries)
        {
            if (!first)
                result.Append(", ");
            first = false;
            WriteRepr(context, key, result, depth + 1);
            result.Append(": ");
            WriteRepr(context, value, result, depth + 1);
        }

        result.Append('}');
    }

    // Double quotes only where the text holds single ones and no double ones, as in CPython.
    private static void WriteQuoted(RenderContext context, string text, TextBuilder result)
    {
        context.Scan(text);
        var quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        result.Append(quote);
        for (var i = 0; i < text.Length;)
        {
            var valid = Rune.DecodeFromUtf16(text.AsSpan(i), out var rune, out var width) == System.Buffers.OperationStatus.Done;
            var code = valid ? rune.Value : text[i];
            if (code == quote || code == '\\')
                result.Append('\\').Append((char)code);
            else if (valid && IsPrintable(rune))
                result.Append(text.AsSpan(i, width));
            else
                result.Append(Escape(code));
            i += width;
        }

        result.Append(quote);
    }

    private static string Escape(int code) => code switch
    {
        '\n' => @"\n",
        '\r' => @"\r",
        '\t' => @"\t",
        <= 0xFF => string.Create(CultureInfo.InvariantCulture, $"\\x{code:x2}"),
        <= 0xFFFF => string.Create(CultureInfo.InvariantCulture, $"\\u{code:x4}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"\\U{code:x8}"),
    };

    // str.isprintable: neither "Other" nor "Separator" in the Unicode database, apart from the space itself.
    private static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
