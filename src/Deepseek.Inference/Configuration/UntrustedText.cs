using System.Globalization;
using System.Text;

namespace Deepseek.Inference.Configuration;

/// <summary>Shows text from files in messages: short, and without characters that steer a terminal or a log.</summary>
internal static class UntrustedText
{
    /// <summary>Characters of a text that a message shows. A name in a hostile header may be a hundred million long.</summary>
    internal const int MaxShown = 120;

    /// <summary>The text's beginning, with control, formatting and unpaired surrogate characters written as <c>\uXXXX</c>.</summary>
    internal static string Show(ReadOnlySpan<char> text)
    {
        var shown = new StringBuilder(Math.Min(text.Length, MaxShown) + 8);
        var rest = text.Length > MaxShown ? text[..MaxShown] : text;
        while (!rest.IsEmpty)
        {
            var sound = Rune.DecodeFromUtf16(rest, out var rune, out var consumed) == System.Buffers.OperationStatus.Done;
            if (sound && !IsSteering(rune))
                shown.Append(rest[..consumed]);
            else
                AppendEscaped(shown, rest[..consumed]);
            rest = rest[consumed..];
        }

        if (text.Length > MaxShown)
            shown.Append(CultureInfo.InvariantCulture, $"… ({text.Length} characters)");
        return shown.ToString();
    }

    /// <summary>The text as <see cref="Show"/> gives it, in quotation marks.</summary>
    internal static string Quote(ReadOnlySpan<char> text) => $"\"{Show(text)}\"";

    // Format characters include the bidirectional overrides, which reorder a whole line.
    private static bool IsSteering(Rune rune) => Rune.GetUnicodeCategory(rune) is
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    private static void AppendEscaped(StringBuilder shown, ReadOnlySpan<char> units)
    {
        foreach (var unit in units)
            shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}");
    }
}
