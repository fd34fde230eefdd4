using System.Globalization;
using System.Text;

namespace Deepseek.Inference.Tokenization;

/// <summary>Reads the part of Oniguruma's regular expressions that tokenizers split text with.</summary>
/// <remarks>
/// Literals, escapes, classes, general categories, groups, <c>(?i:…)</c>, alternation, repeats (greedy, lazy, possessive), <c>$</c>,
/// and lookahead at one character. Whatever else occurs is refused: a <see cref="FormatException"/> names it.
/// Syntax: kkos/oniguruma doc/RE.
/// </remarks>
internal sealed partial class PatternParser
{
    private const int MaxLength = 1 << 15; // characters; the longest published pattern has some 600
    private const int MaxNesting = 64;
    private const int MaxRepeats = 1000;

    private readonly string _pattern;
    private int _at;
    private int _nesting;

    private PatternParser(string pattern) => _pattern = pattern;

    /// <summary>Parses a pattern that never matches the empty string.</summary>
    /// <exception cref="FormatException">The pattern is malformed or uses what is not supported.</exception>
    public static PatternNode Parse(string pattern)
    {
        if (pattern.Length > MaxLength)
            throw new FormatException($"it has {pattern.Length} characters; at most {MaxLength} are supported");
        var parser = new PatternParser(pattern);
        var node = parser.ParseAlternation(ignoreCase: false);
        if (parser._at < pattern.Length)
            throw parser.Unsupported("a ) without its (");
        return node.MayBeEmpty ? throw new FormatException("it can match the empty string, which splits nothing") : node;
    }

    private PatternNode ParseAlternation(bool ignoreCase)
    {
        if (++_nesting > MaxNesting)
            throw Unsupported($"more than {MaxNesting} groups within one another");
        List<PatternNode> branches = [ParseSequence(ignoreCase)];
        while (TryTake('|'))
            branches.Add(ParseSequence(ignoreCase));
        _nesting--;
        return branches.Count == 1 ? branches[0] : new AlternationNode(branches);
    }

    private SequenceNode ParseSequence(bool ignoreCase)
    {
        List<PatternNode> parts = [];
        var previous = '\0';
        while (_at < _pattern.Length && _pattern[_at] is not ('|' or ')'))
        {
            var literal = char.ToLowerInvariant(_pattern[_at]);
            // ß, ﬀ, ﬁ, ﬂ and ﬆ fold to two letters (CaseFolding.txt, status F), so that one character would match two.
            if (ignoreCase && (previous, literal) is ('s', 's') or ('f', 'f') or ('f', 'i') or ('f', 'l') or ('s', 't'))
                throw Unsupported($"'{previous}{literal}' within (?i:…), which a single character can match,");
            parts.Add(ParseRepeat(ParseAtom(ignoreCase)));
            previous = literal;
        }

        return new SequenceNode(parts);
    }

    private PatternNode ParseAtom(bool ignoreCase)
    {
        switch (_pattern[_at])
        {
            case '(':
                return ParseGroup(ignoreCase);
            case '[':
                _at++;
                return new RuneNode(ParseClass(ignoreCase));
            case '.':
                _at++;
                return new RuneNode(new RuneSetBuilder().AddRange('\n', '\n').Build(negated: true));
            case '$':
                _at++;
                return new LineEndNode();
            case '^' or '*' or '+' or '?' or '{':
                throw Unsupported($"'{_pattern[_at]}' in this place");
            default:
                var set = new RuneSetBuilder();
                if (_pattern[_at] == '\\')
                    ParseEscape(set);
                else
                    AddLiteral(set, TakeRune());
                return new RuneNode(ignoreCase ? set.AddOtherCases().Build() : set.Build());
        }
    }

    private PatternNode ParseGroup(bool ignoreCase)
    {
        if (TryTake("(?=") || TryTake("(?!"))
        {
            var negated = _pattern[_at - 1] == '!';
            var ahead = ParseAlternation(ignoreCase);
            Expect(')');
            return ahead is SequenceNode { Parts: [RuneNode { Set: var set }] }
                ? new AheadNode(set, negated)
                : throw Unsupported("a lookahead at more than one character");
        }

        if (TryTake("(?i:"))
            ignoreCase = true;
        else if (!TryTake("(?:") && (!TryTake('(') || Peek() is '?' or '*'))
            throw Unsupported("this kind of group");
        var body = ParseAlternation(ignoreCase);
        Expect(')');
        return body;
    }

    private PatternNode ParseRepeat(PatternNode body)
    {
        var (min, max) = Peek() switch
        {
            '?' => (0, 1),
            '*' => (0, int.MaxValue),
            '+' => (1, int.MaxValue),
            '{' => (-1, -1),
            _ => (1, 1),
        };
        if ((min, max) == (1, 1))
            return body;
        if (body.MayBeEmpty)
            throw Unsupported("a repeat of something that may be empty");
        var kind = RepeatKind.Greedy;
        if (min < 0)
        {
            (min, max) = ParseBounds();
        }
        else
        {
            _at++;
            if (TryTake('?'))
                kind = RepeatKind.Lazy;
            else if (TryTake('+'))
                kind = RepeatKind.Possessive;
        }

        if (Peek() is '?' or '*' or '+' or '{')
            throw Unsupported("a repeat of a repeat");
        if (kind == RepeatKind.Possessive && body is not RuneNode)
            throw Unsupported("a possessive repeat of a group");
        return new RepeatNode(body, min, max, kind);
    }

    private (int Min, int Max) ParseBounds()
    {
        var end = _pattern.IndexOf('}', _at);
        var parts = end < 0 ? [] : _pattern[(_at + 1)..end].Split(',');
        if (parts.Length is 1 or 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var min)
            && min <= MaxRepeats)
        {
            var max = int.MaxValue;
            if (parts.Length == 1)
                max = min;
            else if (parts[1].Length > 0 && (!int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out max) || max > MaxRepeats))
                throw Unsupported($"a repeat other than {{m,n}} with numbers up to {MaxRepeats}");
            if (max > 0 && min <= max)
            {
                _at = end + 1;
                return (min, max);
            }
        }

        throw Unsupported($"a repeat other than {{m,n}} with numbers up to {MaxRepeats}");
    }

    private char Peek() => _at < _pattern.Length ? _pattern[_at] : '\0';

    private bool TryTake(char c) => TryTake([c]);

    private bool TryTake(ReadOnlySpan<char> expected)
    {
        if (!_pattern.AsSpan(_at).StartsWith(expected))
            return false;
        _at += expected.Length;
        return true;
    }

    private void Expect(char c)
    {
        if (!TryTake(c))
            throw new FormatException($"a '{c}' is missing at position {_at}");
    }

    private int TakeRune()
    {
        if (_at >= _pattern.Length)
            throw new FormatException("it ends too early");
        if (Rune.DecodeFromUtf16(_pattern.AsSpan(_at), out var rune, out var length) != System.Buffers.OperationStatus.Done)
            throw new FormatException($"half a surrogate pair stands at position {_at}");
        _at += length;
        return rune.Value;
    }

    private static void AddLiteral(RuneSetBuilder set, int rune) => set.AddRange(rune, rune);

    private FormatException Unsupported(string what) => new($"{what} at position {_at} is not supported");
}
