using System.Globalization;
using System.Text;

namespace Deepseek.Inference.Tokenization;

/// <summary>Escapes and character classes.</summary>
internal sealed partial class PatternParser
{
    /// <summary>Reads a class whose <c>[</c> has been taken.</summary>
    private RuneSet ParseClass(bool ignoreCase)
    {
        var negated = TryTake('^');
        var set = new RuneSetBuilder();
        if (Peek() == ']')
            throw Unsupported("an empty class");
        while (!TryTake(']'))
        {
            if (Peek() == '[')
                throw Unsupported("a class within a class");
            if (TryTake("&&"))
                throw Unsupported("an intersection of classes");
            if (ParseMember(set) is not { } first)
                continue;
            if (Peek() != '-' || _pattern.AsSpan(_at).StartsWith("-]"))
            {
                set.AddRange(first, first);
                continue;
            }

            _at++;
            if (Peek() == '[')
                throw Unsupported("a class within a class");
            set.AddRange(first, ParseMember(set) ?? throw Unsupported("a range that ends in a set"));
        }

        return (ignoreCase ? set.AddOtherCases() : set).Build(negated);
    }

    /// <summary>Reads a character and returns it, or a set, which is added, and returns null.</summary>
    private int? ParseMember(RuneSetBuilder set) => Peek() == '\\' ? ParseEscape(set, inClass: true) : TakeRune();

    /// <summary>Reads an escape; outside a class its character is added, too.</summary>
    private int? ParseEscape(RuneSetBuilder set, bool inClass = false)
    {
        _at++;
        var c = TakeRune();
        switch (c)
        {
            case 's' or 'S':
                set.AddSpace(negated: c == 'S');
                return null;
            case 'd' or 'D':
                set.AddDigits(negated: c == 'D');
                return null;
            case 'p' or 'P':
                ParseCategory(set, negated: c == 'P');
                return null;
        }

        var literal = c switch
        {
            'r' => '\r',
            'n' => '\n',
            't' => '\t',
            'f' => '\f',
            'v' => '\v',
            'x' when Peek() == '{' => TakeBracedHex(),
            'x' => TakeHex(2),
            'u' => TakeHex(4),
            _ when char.IsAsciiLetterOrDigit((char)c) || c > 0x7E => throw Unsupported($"\\{new Rune(c)}"),
            _ => c,
        };
        if (!inClass)
            AddLiteral(set, literal);
        return literal;
    }

    private void ParseCategory(RuneSetBuilder set, bool negated)
    {
        Expect('{');
        negated ^= TryTake('^');
        var end = _pattern.IndexOf('}', _at);
        if (end < 0)
            throw new FormatException("a '}' is missing after \\p{");
        set.AddCategory(_pattern[_at..end], negated);
        _at = end + 1;
    }

    private int TakeBracedHex()
    {
        _at++;
        var end = _pattern.IndexOf('}', _at);
        var value = TakeHex(end < 0 ? 0 : end - _at);
        Expect('}');
        return value;
    }

    private int TakeHex(int digits)
    {
        if (digits is 0 or > 6 || _at + digits > _pattern.Length
            || !int.TryParse(_pattern.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            || !Rune.IsValid(value))
        {
            throw new FormatException($"no code point stands at position {_at}");
        }

        _at += digits;
        return value;
    }
}
