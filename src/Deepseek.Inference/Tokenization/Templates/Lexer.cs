using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Cuts a template into text and tags, under Transformers' settings <c>trim_blocks</c> and <c>lstrip_blocks</c>.</summary>
/// <remarks>
/// Jinja2 3.1, "Template Designer Documentation", section Whitespace Control: a block or comment tag swallows the blanks before it on its line
/// and one newline after it; <c>-</c> swallows all whitespace on its side, <c>+</c> keeps what would go. One newline at the very end is dropped.
/// </remarks>
internal sealed class Lexer
{
    private readonly string _source;
    private readonly string? _file;
    private readonly List<Token> _tokens = [];
    private int _position;
    private int _line = 1;

    // Whether the text before _position ended a line, though that newline was swallowed by a tag.
    private bool _lineStarting = true;

    private Lexer(string source, string? file)
    {
        _source = source;
        _file = file;
    }

    /// <summary>All tokens, the last of them <see cref="TokenKind.End"/>.</summary>
    /// <exception cref="ChatTemplateException">A tag, string or bracket is not closed, or a character has no meaning inside a tag.</exception>
    public static List<Token> Read(string source, string? file)
    {
        source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        if (source.EndsWith('\n'))
            source = source[..^1];

        var lexer = new Lexer(source, file);
        lexer.ReadAll();
        return lexer._tokens;
    }

    private void ReadAll()
    {
        while (_position < _source.Length)
        {
            var open = NextTag(_position);
            if (open < 0)
            {
                AddData(_source[_position..]);
                MoveTo(_source.Length);
                break;
            }

            ReadTag(open);
        }

        _tokens.Add(new(TokenKind.End, "", _line));
    }

    private void ReadTag(int open)
    {
        var kind = _source[open + 1];
        var sign = SignAt(open + 2);
        AddData(BeforeTag(_source[_position..open], sign, isVariable: kind == '{'));
        MoveTo(sign is null ? open + 2 : open + 3);

        if (kind == '#')
        {
            var close = _source.IndexOf("#}", _position, StringComparison.Ordinal);
            if (close < 0)
                throw Error("the comment '{#' is not closed by '#}'.");
            EndTag(close, close > _position ? SignAt(close - 1) : null, trims: true);
        }
        else if (kind == '%' && SkipWord(_position, "raw") is { } raw && CloseAt(raw) is { } rawClose)
        {
            // Jinja2 trims no newline after {% raw %} itself.
            EndTag(rawClose.Position, rawClose.Sign, trims: false);
            ReadRaw();
        }
        else
        {
            ReadCode(isVariable: kind == '{');
        }
    }

    private void ReadRaw()
    {
        for (var open = _source.IndexOf("{%", _position, StringComparison.Ordinal); open >= 0; open = _source.IndexOf("{%", open + 2, StringComparison.Ordinal))
        {
            var sign = SignAt(open + 2);
            if (SkipWord(sign is null ? open + 2 : open + 3, "endraw") is not { } word || CloseAt(word) is not { } close)
                continue;
            AddData(BeforeTag(_source[_position..open], sign, isVariable: false));
            EndTag(close.Position, close.Sign, trims: true);
            return;
        }

        throw Error("{% raw %} is not closed by {% endraw %}.");
    }

    private void ReadCode(bool isVariable)
    {
        _tokens.Add(new(isVariable ? TokenKind.VariableBegin : TokenKind.BlockBegin, "", _line));
        var code = new CodeLexer(_source, _file, _position, _line, isVariable ? "}}" : "%}");
        var close = code.ReadInto(_tokens);
        MoveTo(close);
        var sign = SignAt(close);
        _tokens.Add(new(isVariable ? TokenKind.VariableEnd : TokenKind.BlockEnd, "", _line));
        EndTag(sign is null ? close : close + 1, sign, trims: !isVariable);
    }

    /// <summary>Passes a closing delimiter and what it swallows.</summary>
    private void EndTag(int delimiter, char? sign, bool trims)
    {
        var end = delimiter + 2;
        if (sign == '-')
        {
            while (end < _source.Length && PythonString.IsSpace(_source[end]))
                end++;
        }
        else if (trims && sign is null && end < _source.Length && _source[end] == '\n')
        {
            end++;
        }

        MoveTo(end);
        _lineStarting = _source[end - 1] == '\n';
    }

    private string BeforeTag(string text, char? sign, bool isVariable)
    {
        if (sign == '-')
            return PythonString.Strip(text, null, left: false, right: true);
        if (sign == '+' || isVariable)
            return text;

        var lineStart = text.LastIndexOf('\n') + 1;
        return (lineStart > 0 || _lineStarting) && PythonString.IsBlank(text.AsSpan(lineStart)) ? text[..lineStart] : text;
    }

    private int NextTag(int from)
    {
        for (var i = _source.IndexOf('{', from); i >= 0 && i + 1 < _source.Length; i = _source.IndexOf('{', i + 1))
        {
            if (_source[i + 1] is '{' or '%' or '#')
                return i;
        }

        return -1;
    }

    private char? SignAt(int position) => position < _source.Length && _source[position] is '-' or '+' ? _source[position] : null;

    /// <summary>The position after blanks and <paramref name="word"/>, or null.</summary>
    private int? SkipWord(int position, string word)
    {
        position = SkipBlanks(position);
        return string.CompareOrdinal(_source, position, word, 0, word.Length) == 0 ? position + word.Length : null;
    }

    /// <summary>The <c>%}</c> that follows after blanks, with its sign, or null.</summary>
    private (int Position, char? Sign)? CloseAt(int position)
    {
        position = SkipBlanks(position);
        var sign = SignAt(position);
        if (sign is not null)
            position++;
        return string.CompareOrdinal(_source, position, "%}", 0, 2) == 0 ? (position, sign) : null;
    }

    private int SkipBlanks(int position)
    {
        while (position < _source.Length && PythonString.IsSpace(_source[position]))
            position++;
        return position;
    }

    private void AddData(string text)
    {
        if (text.Length > 0)
            _tokens.Add(new(TokenKind.Data, text, _line));
    }

    private void MoveTo(int position)
    {
        _line += _source.AsSpan(_position, position - _position).Count('\n');
        _position = position;
    }

    private ChatTemplateException Error(string reason) => new(_file, _line, reason);
}
