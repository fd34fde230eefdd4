using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Cuts the inside of <c>{{ … }}</c> or <c>{% … %}</c> into names, literals and operators.</summary>
internal sealed class CodeLexer(string source, string? file, int position, int line, string close)
{
    // Longer operators first, so that the longest match wins.
    private static readonly string[] Operators =
        ["//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ","];

    private readonly Stack<char> _brackets = new();

    /// <summary>Adds the tokens up to the closing delimiter; returns where that, or its sign, begins.</summary>
    public int ReadInto(List<Token> tokens)
    {
        while (position < source.Length)
        {
            var c = source[position];
            if (PythonString.IsSpace(c))
            {
                if (c == '\n')
                    line++;
                position++;
            }
            else if (AtClose())
            {
                return position;
            }
            else
            {
                tokens.Add(ReadToken(c));
            }
        }

        throw Error(_brackets.Count > 0 ? $"a bracket is not closed by '{_brackets.Peek()}'." : $"a tag is not closed by '{close}'.");
    }

    // Inside of brackets "}}" closes two mappings, not the tag.
    private bool AtClose()
    {
        if (_brackets.Count > 0)
            return false;
        var delimiter = source[position] == '-' || (source[position] == '+' && close == "%}") ? position + 1 : position;
        return string.CompareOrdinal(source, delimiter, close, 0, 2) == 0;
    }

    private Token ReadToken(char c)
    {
        var start = position;
        if (c is '\'' or '"')
            return ReadString(c);
        if (char.IsAsciiDigit(c))
            return ReadNumber();
        if (c == '_' || char.IsLetter(c))
        {
            while (position < source.Length && (source[position] == '_' || char.IsLetterOrDigit(source[position])))
                position++;
            return new(TokenKind.Name, source[start..position], line);
        }

        foreach (var candidate in Operators)
        {
            if (string.CompareOrdinal(source, position, candidate, 0, candidate.Length) != 0)
                continue;
            position += candidate.Length;
            Balance(candidate);
            return new(TokenKind.Operator, candidate, line);
        }

        throw Error($"the character '{c}' (U+{(int)c:X4}) has no meaning inside a tag.");
    }

    private void Balance(string value)
    {
        switch (value)
        {
            case "(": _brackets.Push(')'); break;
            case "[": _brackets.Push(']'); break;
            case "{": _brackets.Push('}'); break;
            case ")" or "]" or "}":
                if (_brackets.Count == 0)
                    throw Error($"'{value}' closes nothing.");
                if (_brackets.Pop() is var expected && expected != value[0])
                    throw Error($"'{value}' stands where '{expected}' was expected.");
                break;
        }
    }

    // Digits may be grouped by single underscores, as in Python.
    private Token ReadNumber()
    {
        var start = position;
        SkipDigits();
        var isFloat = false;
        if (position + 1 < source.Length && source[position] == '.' && char.IsAsciiDigit(source[position + 1]))
        {
            isFloat = true;
            position++;
            SkipDigits();
        }

        if (position < source.Length && source[position] is 'e' or 'E')
        {
            var exponent = position + 1;
            if (exponent < source.Length && source[exponent] is '+' or '-')
                exponent++;
            if (exponent < source.Length && char.IsAsciiDigit(source[exponent]))
            {
                isFloat = true;
                position = exponent;
                SkipDigits();
            }
        }

        return new(isFloat ? TokenKind.Float : TokenKind.Integer, source[start..position].Replace("_", "", StringComparison.Ordinal), line);
    }

    private void SkipDigits()
    {
        while (position < source.Length
            && (char.IsAsciiDigit(source[position]) || (source[position] == '_' && position + 1 < source.Length && char.IsAsciiDigit(source[position + 1]))))
            position++;
    }

    private Token ReadString(char quote)
    {
        var (start, startLine) = (position + 1, line);
        for (position++; position < source.Length && source[position] != quote; position++)
        {
            if (source[position] == '\\' && position + 1 < source.Length)
                position++;
            if (source[position] == '\n')
                line++;
        }

        if (position >= source.Length)
        {
            line = startLine;
            throw Error($"a string is not closed by {quote}.");
        }

        var text = StringLiteral.Decode(source.AsSpan(start, position - start), out var fault);
        position++;
        return fault is null ? new(TokenKind.Text, text, startLine) : throw Error(fault);
    }

    private ChatTemplateException Error(string reason) => new(file, line, reason);
}
