using System.Numerics;
using System.Text;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>How filters and methods read their arguments.</summary>
internal static class FilterValues
{
    /// <summary>An integer argument; <paramref name="missing"/> where it is absent or None.</summary>
    public static int Integer(RenderContext context, object? value, int missing, string name)
    {
        if (value is null or None)
            return missing;
        return Numbers.TryInteger(value, out var integer)
            ? (int)BigInteger.Max(int.MinValue, BigInteger.Min(int.MaxValue, integer))
            : throw context.Error($"the argument '{name}' must be an integer; {Operators.Describe(value)} was found.");
    }

    public static bool Flag(object? value) => value is not null && Operators.IsTrue(value);

    /// <summary>A string argument; <paramref name="missing"/> where it is absent. Other values are converted.</summary>
    public static string Text(RenderContext context, object? value, string missing) => value is null ? missing : PythonText.Str(context, value);

    /// <summary>Python's <c>isupper</c> and <c>islower</c>: some cased letter, and none of the other case.</summary>
    public static bool IsCase(string text, bool upper)
    {
        var found = false;
        foreach (var rune in text.EnumerateRunes())
        {
            if (upper ? Rune.IsLower(rune) : Rune.IsUpper(rune))
                return false;
            found |= upper ? Rune.IsUpper(rune) : Rune.IsLower(rune);
        }

        return found;
    }

    /// <summary>Reads <c>a.b.0</c> from an item, entry by entry.</summary>
    public static object Path(RenderContext context, object item, object path)
    {
        if (path is not string text)
            return Access.Item(context, item, path);
        if (text.Length > TemplateLimits.PathCharacters)
            throw context.Error($"an attribute's path has {text.Length} characters; the limit is {TemplateLimits.PathCharacters}.");
        foreach (var part in text.Split('.'))
        {
            context.Step();
            item = Access.Item(context, item, part.Length is > 0 and < 10 && part.All(char.IsAsciiDigit)
                ? BigInteger.Parse(part, System.Globalization.CultureInfo.InvariantCulture)
                : part);
        }

        return item;
    }
}
