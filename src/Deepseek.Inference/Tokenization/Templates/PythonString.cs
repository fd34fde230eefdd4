using System.Buffers;
using System.Text;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Python's view of a string: code points instead of UTF-16 units, and Python's whitespace.</summary>
internal static class PythonString
{
    /// <summary>Python's <c>str.isspace</c>, which counts the four information separators among whitespace.</summary>
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    public static bool IsBlank(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (!IsSpace(c))
                return false;
        }

        return true;
    }

    /// <summary>Removes whitespace, or any of the code points in <paramref name="characters"/>, from either end.</summary>
    public static string Strip(string text, string? characters, bool left, bool right)
    {
        var rest = text.AsSpan();
        while (left && rest.Length > 0)
        {
            Rune.DecodeFromUtf16(rest, out _, out var width);
            if (!IsStripped(rest[..width], characters))
                break;
            rest = rest[width..];
        }

        while (right && rest.Length > 0)
        {
            Rune.DecodeLastFromUtf16(rest, out _, out var width);
            if (!IsStripped(rest[^width..], characters))
                break;
            rest = rest[..^width];
        }

        return rest.Length == text.Length ? text : rest.ToString();
    }

    private static bool IsStripped(ReadOnlySpan<char> codePoint, string? characters) =>
        characters is null ? codePoint.Length == 1 && IsSpace(codePoint[0]) : characters.AsSpan().IndexOf(codePoint, StringComparison.Ordinal) >= 0;

    /// <summary>Length in code points.</summary>
    public static int Length(string text)
    {
        var count = text.Length;
        for (var i = text.AsSpan().IndexOfAnyInRange('\ud800', '\udbff'); i >= 0 && i < text.Length - 1; i++)
        {
            if (char.IsSurrogatePair(text[i], text[i + 1]))
                count--;
        }

        return count;
    }

    // Walking over a text makes one string a character.
    private static readonly string[] Ascii = [.. Enumerable.Range(0, 128).Select(code => ((char)code).ToString())];

    /// <summary>One string a code point.</summary>
    public static IEnumerable<string> CodePoints(string text)
    {
        for (var i = 0; i < text.Length;)
        {
            var width = Width(text, i);
            yield return text[i] < Ascii.Length ? Ascii[text[i]] : text.Substring(i, width);
            i += width;
        }
    }

    /// <summary>The last code point.</summary>
    public static string Last(string text) => text.Length > 1 && char.IsSurrogatePair(text[^2], text[^1]) ? text[^2..] : text[^1..];

    /// <summary>The code points in reverse.</summary>
    public static string Reverse(string text) => string.Create(text.Length, text, static (result, source) =>
    {
        source.CopyTo(result);
        result.Reverse();
        for (var i = 0; i + 1 < result.Length; i++)
        {
            if (char.IsSurrogatePair(result[i + 1], result[i]))
                (result[i], result[i + 1]) = (result[i + 1], result[i++]);
        }
    });

    private static int Width(string text, int unit) => unit + 1 < text.Length && char.IsSurrogatePair(text[unit], text[unit + 1]) ? 2 : 1;

    /// <summary>The code points from <paramref name="start"/> by <paramref name="step"/>, <paramref name="count"/> of them; indexes are in range.</summary>
    public static string Slice(string text, int start, int step, int count)
    {
        if (Length(text) == text.Length)
        {
            if (step == 1)
                return text.Substring(start, count);
            var units = new StringBuilder(count);
            for (var i = 0; i < count; i++)
                units.Append(text[start + i * step]);
            return units.ToString();
        }

        // From the first code point that is wanted, step by step; a backward slice is a forward one reversed.
        var (index, unit) = (0, 0);
        var result = new StringBuilder();
        var (first, stride) = step > 0 ? (start, step) : (start + (count - 1) * step, -step);
        for (var i = 0; i < count; i++)
        {
            for (; index < first + i * stride; index++)
                unit += Width(text, unit);
            result.Append(text, unit, Width(text, unit));
        }

        return step > 0 ? result.ToString() : Reverse(result.ToString());
    }

    /// <summary>Converts an index in UTF-16 units to one in code points.</summary>
    public static int CodePointIndex(string text, int unit) => unit <= 0 ? unit : Length(text[..unit]);

    /// <summary>Python's order: by code point, where ordinal comparison of UTF-16 puts U+E000 to U+FFFF behind the supplementary planes.</summary>
    public static int Compare(string left, string right)
    {
        var common = left.AsSpan().CommonPrefixLength(right);
        if (common == left.Length || common == right.Length)
            return left.Length.CompareTo(right.Length);
        return Weight(left[common]).CompareTo(Weight(right[common]));
    }

    private static int Weight(char c) => char.IsSurrogate(c) ? c + 0x10000 : c;

    // str.splitlines: the separators of the Python Standard Library reference.
    private static readonly SearchValues<char> LineBreaks = SearchValues.Create("\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029");

    /// <summary>Python's <c>str.splitlines</c>; no empty line follows a break at the very end.</summary>
    public static List<string> Lines(string text, bool keepEnds = false)
    {
        List<string> lines = [];
        for (var start = 0; start < text.Length;)
        {
            var length = text.AsSpan(start).IndexOfAny(LineBreaks);
            if (length < 0)
            {
                lines.Add(text[start..]);
                break;
            }

            var end = start + length;
            var next = text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n' ? end + 2 : end + 1;
            lines.Add(keepEnds ? text[start..next] : text[start..end]);
            start = next;
        }

        return lines;
    }

    /// <summary>Upper case where a word begins, lower case elsewhere.</summary>
    /// <param name="text">What to convert.</param>
    /// <param name="continues">Whether a word continues after this character.</param>
    public static string Title(string text, Func<char, bool> continues) => string.Create(text.Length, (text, continues), static (result, state) =>
    {
        var inWord = false;
        for (var i = 0; i < result.Length; i++)
        {
            var c = state.text[i];
            result[i] = inWord ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c);
            inWord = state.continues(c);
        }
    });

    public static string Capitalize(string text) =>
        text.Length == 0 ? text : string.Concat(text[..1].ToUpperInvariant(), text[1..].ToLowerInvariant());
}
