using System.Buffers;
using System.Globalization;
using System.Text;

namespace Deepseek.Inference.Tokenization;

/// <summary>Finds added tokens in a text: leftmost first, the longest of those that begin at one place.</summary>
/// <remarks>
/// Follows huggingface/tokenizers src/tokenizer/added_vocabulary.rs, find_matches. Immutable, and safe to use from several threads.
/// </remarks>
internal sealed class AddedTokenMatcher
{
    private const int Root = 0;

    private readonly Dictionary<(int Node, char Next), int> _edges = [];
    private readonly List<AddedToken?> _ends = [null]; // the token that ends at a node of the trie
    private readonly SearchValues<char> _first;

    /// <summary>Prepares the search for some tokens.</summary>
    /// <param name="tokens">The tokens, each with the text to look for, none empty.</param>
    public AddedTokenMatcher(IEnumerable<(string Text, AddedToken Token)> tokens)
    {
        var first = new StringBuilder();
        foreach (var (text, token) in tokens)
        {
            first.Append(text[0]);
            var node = Root;
            foreach (var c in text)
            {
                if (!_edges.TryGetValue((node, c), out var next))
                {
                    next = _ends.Count;
                    _ends.Add(null);
                    _edges.Add((node, c), next);
                }

                node = next;
            }

            _ends[node] ??= token;
        }

        _first = SearchValues.Create(first.ToString());
    }

    /// <summary>Cuts a text into tokens and what lies between them.</summary>
    /// <param name="text">The text, well-formed UTF-16.</param>
    /// <param name="onText">Receives the start and the end of a part without tokens; it is not empty.</param>
    /// <param name="onToken">Receives a token.</param>
    public void Scan(ReadOnlySpan<char> text, Action<int, int> onText, Action<AddedToken> onToken)
    {
        var (done, position) = (0, 0);
        while (Next(text, ref position) is { } token)
        {
            var (start, end) = (position - token.Length, position);
            if (token.Value.SingleWord && (EndsWithWord(text[..start]) || StartsWithWord(text[end..])))
                continue;
            if (token.Value.StripLeft)
                start = Math.Max(text[..start].TrimEnd().Length, done);
            if (token.Value.StripRight)
                end = text.Length - text[end..].TrimStart().Length;
            if (done < start)
                onText(done, start);
            onToken(token.Value);
            done = end;
        }

        if (done < text.Length)
            onText(done, text.Length);
    }

    /// <summary>Finds the next token from a position on, and moves the position behind it.</summary>
    private (AddedToken Value, int Length)? Next(ReadOnlySpan<char> text, ref int position)
    {
        while (position < text.Length)
        {
            var skip = text[position..].IndexOfAny(_first);
            if (skip < 0)
                return null;
            position += skip;
            var (node, found, length) = (Root, default(AddedToken), 0);
            for (var at = position; at < text.Length && _edges.TryGetValue((node, text[at]), out node);)
            {
                at++;
                if (_ends[node] is { } token)
                    (found, length) = (token, at - position);
            }

            position += Math.Max(length, 1);
            if (found is not null)
                return (found, length);
        }

        return null;
    }

    private static bool EndsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeLastFromUtf16(text, out var rune, out _) == OperationStatus.Done && IsWord(rune);

    private static bool StartsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeFromUtf16(text, out var rune, out _) == OperationStatus.Done && IsWord(rune);

    /// <summary><c>\w</c> of Rust's regular expressions: Alphabetic, Mark, Nd, Pc and Join_Control (UTS #18, annex C).</summary>
    /// <remarks>Alphabetic beyond letters, marks and Nl are the circled and squared Latin letters alone (PropList.txt, Other_Alphabetic).</remarks>
    private static bool IsWord(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter
            or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
            or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.ConnectorPunctuation => true,
        UnicodeCategory.OtherSymbol => rune.Value is >= 0x24B6 and <= 0x24E9 or >= 0x1F130 and <= 0x1F149
            or >= 0x1F150 and <= 0x1F169 or >= 0x1F170 and <= 0x1F189,
        _ => rune.Value is 0x200C or 0x200D,
    };
}
