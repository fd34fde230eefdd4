using System.Numerics;
using System.Text;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Methods of strings, as in the Python Standard Library, "Text Sequence Type"; letters change case one by one, without special casings such as ß to SS.</summary>
internal static class StringMethods
{
    private delegate object Method(RenderContext context, string text, Arguments arguments);

    private static readonly Dictionary<string, Method> Table = new(StringComparer.Ordinal)
    {
        ["capitalize"] = (c, s, a) => Simple(c, a, PythonString.Capitalize(s)),
        ["count"] = (c, s, a) => (BigInteger)Count(c, s, Text(c, a, 0, a.Bind(1, "sub"))),
        ["endswith"] = (c, s, a) => Matches(c, a, s.EndsWith),
        ["find"] = (c, s, a) => Index(c, s, a, last: false),
        ["format"] = (c, _, _) => throw c.Error("the method 'format' is not supported; join the pieces with '~'."),
        ["isalnum"] = (c, s, a) => All(a, s, Rune.IsLetterOrDigit),
        ["isalpha"] = (c, s, a) => All(a, s, Rune.IsLetter),
        ["isdigit"] = (c, s, a) => All(a, s, Rune.IsDigit),
        ["islower"] = (c, s, a) => IsCase(a, s, upper: false),
        ["isspace"] = (c, s, a) => All(a, s, rune => rune.IsBmp && PythonString.IsSpace((char)rune.Value)),
        ["isupper"] = (c, s, a) => IsCase(a, s, upper: true),
        ["join"] = (c, s, a) => Join(c, s, a.Bind(1, "iterable")[0]!),
        ["lower"] = (c, s, a) => Simple(c, a, s.ToLowerInvariant()),
        ["lstrip"] = (c, s, a) => Strip(c, s, a, left: true, right: false),
        ["partition"] = (c, s, a) => Partition(c, s, a, last: false),
        ["removeprefix"] = (c, s, a) => RemovePrefix(c, s, a),
        ["removesuffix"] = (c, s, a) => RemoveSuffix(c, s, a),
        ["replace"] = (c, s, a) => Replace(c, s, a),
        ["rfind"] = (c, s, a) => Index(c, s, a, last: true),
        ["rpartition"] = (c, s, a) => Partition(c, s, a, last: true),
        ["rsplit"] = (c, s, a) => StringSplitting.Split(c, s, a, fromRight: true),
        ["rstrip"] = (c, s, a) => Strip(c, s, a, left: false, right: true),
        ["split"] = (c, s, a) => StringSplitting.Split(c, s, a, fromRight: false),
        ["splitlines"] = (c, s, a) => Lines(c, s, a),
        ["startswith"] = (c, s, a) => Matches(c, a, s.StartsWith),
        ["strip"] = (c, s, a) => Strip(c, s, a, left: true, right: true),
        ["title"] = (c, s, a) => Simple(c, a, PythonString.Title(s, char.IsLetter)),
        ["upper"] = (c, s, a) => Simple(c, a, s.ToUpperInvariant()),
    };

    /// <summary>The method bound to <paramref name="text"/>, or null.</summary>
    public static CallableValue? Find(RenderContext context, string text, string name) => !Table.TryGetValue(name, out var method)
        ? null
        : new(name, arguments =>
        {
            context.Scan(text);
            return method(context, text, arguments);
        });

    /// <summary>Replaces up to <paramref name="count"/> occurrences, all if it is negative; an empty pattern matches between all characters.</summary>
    public static string Replace(RenderContext context, string text, string old, string replacement, int count)
    {
        context.Search(text, old);
        var result = new TextBuilder(context);
        if (old.Length == 0)
        {
            foreach (var piece in PythonString.CodePoints(text))
                result.Append(count-- != 0 ? replacement : "").Append(piece);
            return result.Append(count != 0 ? replacement : "").ToString();
        }

        var start = 0;
        for (; count != 0; count--)
        {
            var found = text.IndexOf(old, start, StringComparison.Ordinal);
            if (found < 0)
                break;
            result.Append(text.AsSpan(start, found - start)).Append(replacement);
            start = found + old.Length;
        }

        return result.Append(text.AsSpan(start)).ToString();
    }

    /// <summary>Joins strings; anything else among them is an error, as in Python.</summary>
    private static string Join(RenderContext context, string separator, object items)
    {
        var result = new TextBuilder(context);
        var first = true;
        foreach (var item in Access.Iterate(context, items))
        {
            context.Step();
            if (item is not string text)
                throw context.Error($"the method 'join' takes strings; {Operators.Describe(item)} was found. The filter 'join' converts.");
            if (!first)
                result.Append(separator);
            first = false;
            result.Append(text);
        }

        return result.ToString();
    }

    /// <summary>An argument that must be a string.</summary>
    public static string Text(RenderContext context, Arguments arguments, int index, object?[] values) => values[index] as string
        ?? throw context.Error($"the method '{arguments.Callee}' takes a string as argument {index + 1}; {Operators.Describe(values[index] ?? None.Value)} was found.");

    private static string Simple(RenderContext context, Arguments arguments, string result)
    {
        arguments.Bind(0);
        return context.Built(result);
    }

    private static string Strip(RenderContext context, string text, Arguments arguments, bool left, bool right)
    {
        var values = arguments.Bind(0, "chars");
        var characters = values[0] is null or None ? null : Text(context, arguments, 0, values);
        context.Search(text, characters ?? "");
        return context.Built(PythonString.Strip(text, characters, left, right));
    }

    private static string Replace(RenderContext context, string text, Arguments arguments)
    {
        var values = arguments.Bind(2, "old", "new", "count");
        return Replace(context, text, Text(context, arguments, 0, values), Text(context, arguments, 1, values), FilterValues.Integer(context, values[2], -1, "count"));
    }

    private static bool Matches(RenderContext context, Arguments arguments, Func<string, StringComparison, bool> matches)
    {
        var values = arguments.Bind(1, "affix");
        if (values[0] is not SequenceValue { Kind: SequenceKind.Tuple } any)
            return matches(Text(context, arguments, 0, values), StringComparison.Ordinal);
        foreach (var item in any.Items)
        {
            context.Step();
            if (matches(Text(context, arguments, 0, [item]), StringComparison.Ordinal))
                return true;
        }

        return false;
    }

    private static BigInteger Index(RenderContext context, string text, Arguments arguments, bool last)
    {
        var part = Text(context, arguments, 0, arguments.Bind(1, "sub"));
        context.Search(text, part);
        var unit = !last ? text.IndexOf(part, StringComparison.Ordinal) : part.Length == 0 ? text.Length : text.LastIndexOf(part, StringComparison.Ordinal);
        return PythonString.CodePointIndex(text, unit);
    }

    private static int Count(RenderContext context, string text, string part)
    {
        context.Search(text, part);
        return part.Length == 0 ? PythonString.Length(text) + 1 : text.AsSpan().Count(part);
    }

    private static SequenceValue Partition(RenderContext context, string text, Arguments arguments, bool last)
    {
        var separator = Text(context, arguments, 0, arguments.Bind(1, "sep"));
        if (separator.Length == 0)
            throw context.Error("the separator of 'partition' must not be empty.");
        context.Search(text, separator);
        context.Reserve(text.Length);
        var found = last ? text.LastIndexOf(separator, StringComparison.Ordinal) : text.IndexOf(separator, StringComparison.Ordinal);
        if (found < 0)
            return new(last ? ["", "", text] : [text, "", ""], SequenceKind.Tuple);
        return new([text[..found], separator, text[(found + separator.Length)..]], SequenceKind.Tuple);
    }

    private static string RemovePrefix(RenderContext context, string text, Arguments arguments)
    {
        var affix = Text(context, arguments, 0, arguments.Bind(1, "prefix"));
        return context.Built(text.StartsWith(affix, StringComparison.Ordinal) ? text[affix.Length..] : text);
    }

    private static string RemoveSuffix(RenderContext context, string text, Arguments arguments)
    {
        var affix = Text(context, arguments, 0, arguments.Bind(1, "suffix"));
        return context.Built(text.EndsWith(affix, StringComparison.Ordinal) ? text[..^affix.Length] : text);
    }

    private static SequenceValue Lines(RenderContext context, string text, Arguments arguments)
    {
        var keepEnds = arguments.Bind(0, "keepends")[0] is { } value && Operators.IsTrue(value);
        context.Reserve(text.Length);
        return context.List(PythonString.Lines(text, keepEnds));
    }

    private static bool All(Arguments arguments, string text, Func<Rune, bool> matches)
    {
        arguments.Bind(0);
        foreach (var rune in text.EnumerateRunes())
        {
            if (!matches(rune))
                return false;
        }

        return text.Length > 0;
    }

    private static bool IsCase(Arguments arguments, string text, bool upper)
    {
        arguments.Bind(0);
        return FilterValues.IsCase(text, upper);
    }
}
