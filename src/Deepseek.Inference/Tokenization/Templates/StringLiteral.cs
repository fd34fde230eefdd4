using System.Globalization;
using System.Text;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Escape sequences of Python string literals (Python Language Reference 2.4.1.1), which Jinja2 takes over.</summary>
internal static class StringLiteral
{
    /// <summary>The value of what stands between the quotes; <paramref name="fault"/> tells of an escape that cannot be decoded.</summary>
    public static string Decode(ReadOnlySpan<char> text, out string? fault)
    {
        fault = null;
        if (!text.Contains('\\'))
            return text.ToString();

        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || i + 1 == text.Length)
            {
                result.Append(text[i]);
                continue;
            }

            i++;
            switch (text[i])
            {
                case '\n': break; // a line continued
                case '\\' or '\'' or '"': result.Append(text[i]); break;
                case 'a': result.Append('\a'); break;
                case 'b': result.Append('\b'); break;
                case 'f': result.Append('\f'); break;
                case 'n': result.Append('\n'); break;
                case 'r': result.Append('\r'); break;
                case 't': result.Append('\t'); break;
                case 'v': result.Append('\v'); break;
                case 'x': Hexadecimal(text, ref i, 2, result, ref fault); break;
                case 'u': Hexadecimal(text, ref i, 4, result, ref fault); break;
                case 'U': Hexadecimal(text, ref i, 8, result, ref fault); break;
                case 'N': fault = @"the escape '\N{…}' is not supported; write '\uXXXX' instead."; break;
                case >= '0' and <= '7': Octal(text, ref i, result); break;
                default: result.Append('\\').Append(text[i]); break; // unknown escapes stay as they are
            }
        }

        return result.ToString();
    }

    private static void Hexadecimal(ReadOnlySpan<char> text, ref int i, int digits, StringBuilder result, ref string? fault)
    {
        if (i + digits >= text.Length
            || !uint.TryParse(text.Slice(i + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            || value > 0x10FFFF)
        {
            fault = $"the escape '\\{text[i]}' must be followed by {digits} hexadecimal digits of a code point.";
            return;
        }

        i += digits;
        if (value <= 0xFFFF)
            result.Append((char)value);
        else
            result.Append(new Rune(value).ToString());
    }

    private static void Octal(ReadOnlySpan<char> text, ref int i, StringBuilder result)
    {
        var (value, end) = (0, Math.Min(i + 3, text.Length));
        for (; i < end && text[i] is >= '0' and <= '7'; i++)
            value = value * 8 + (text[i] - '0');
        i--;
        result.Append((char)value);
    }
}
