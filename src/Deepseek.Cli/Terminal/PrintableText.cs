using System.Text;

namespace Deepseek.Cli.Terminal;

/// <summary>Text without control characters: what a model or a file says must not steer a terminal.</summary>
internal static class PrintableText
{
    /// <summary>The text with newlines and tabs as the only control characters.</summary>
    public static string Of(string text)
    {
        if (text.All(IsPrintable))
            return text;
        var printable = new StringBuilder(text.Length);
        foreach (var character in text.Where(IsPrintable))
            printable.Append(character);
        return printable.ToString();
    }

    /// <summary>The same on one line.</summary>
    public static string Line(string text) =>
        Of(string.Join(' ', text.Split(['\r', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)));

    private static bool IsPrintable(char character) => !char.IsControl(character) || character is '\n' or '\t';
}
