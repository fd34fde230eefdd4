using System.Text;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Chat.Constraints;

/// <summary>Whole characters of UTF-8.</summary>
/// <remarks>RFC 3629 §4: no overlong forms, no surrogates, nothing beyond U+10FFFF.</remarks>
internal static class TextNodes
{
    private static readonly GrammarNode Tail = Grammar.Bytes(0x80, 0xBF);

    /// <summary>Any character but some.</summary>
    /// <param name="excluded">ASCII characters, and at most the bar U+FF5C of DeepSeek's markers beyond them.</param>
    /// <param name="asciiOnly">Whether characters beyond ASCII are excluded as well.</param>
    public static GrammarNode Except(string excluded, bool asciiOnly = false)
    {
        var ascii = Ascii(excluded);
        return asciiOnly ? ascii : Grammar.Choice([ascii, .. Beyond(excluded.Contains(ToolCallMarks.Bar, StringComparison.Ordinal))]);
    }

    private static ByteNode Ascii(string excluded) => new(ByteSet.Where(b => b < 0x80 && !excluded.Contains((char)b, StringComparison.Ordinal)));

    private static GrammarNode[] Beyond(bool withoutBar) =>
    [
        Grammar.Sequence(Grammar.Bytes(0xC2, 0xDF), Tail),
        Grammar.Sequence(Grammar.Bytes(0xE0, 0xE0), Grammar.Bytes(0xA0, 0xBF), Tail),
        Grammar.Sequence(Grammar.Bytes(0xE1, 0xEC), Tail, Tail),
        Grammar.Sequence(Grammar.Bytes(0xED, 0xED), Grammar.Bytes(0x80, 0x9F), Tail),
        .. withoutBar ? LastThreeBytesWithoutBar() : [Grammar.Sequence(Grammar.Bytes(0xEE, 0xEF), Tail, Tail)],
        Grammar.Sequence(Grammar.Bytes(0xF0, 0xF0), Grammar.Bytes(0x90, 0xBF), Tail, Tail),
        Grammar.Sequence(Grammar.Bytes(0xF1, 0xF3), Tail, Tail, Tail),
        Grammar.Sequence(Grammar.Bytes(0xF4, 0xF4), Grammar.Bytes(0x80, 0x8F), Tail, Tail),
    ];

    private static GrammarNode[] LastThreeBytesWithoutBar()
    {
        var bar = Encoding.UTF8.GetBytes([ToolCallMarks.Bar]); // EF BD 9C
        return
        [
            Grammar.Sequence(Grammar.Bytes(0xEE, 0xEE), Tail, Tail),
            Grammar.Sequence(Grammar.Bytes(0xEF, 0xEF), new ByteNode(ByteSet.Where(b => b is >= 0x80 and <= 0xBF && b != bar[1])), Tail),
            Grammar.Sequence(Grammar.Bytes(0xEF, 0xEF), Grammar.Bytes(bar[1], bar[1]), new ByteNode(ByteSet.Where(b => b is >= 0x80 and <= 0xBF && b != bar[2]))),
        ];
    }
}
