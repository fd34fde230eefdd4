using System.Text;

namespace Deepseek.Inference.Chat.Constraints;

/// <summary>Lets a reply think before the grammar begins.</summary>
internal static class ThinkingPrefix
{
    private const int MostNewlines = 4; // templates put two after the reasoning; without a bound a model may write nothing else

    private static readonly byte[] Close = Encoding.ASCII.GetBytes("</think>");

    /// <summary>The whole reply, for a prompt of a kind.</summary>
    /// <param name="grammar">What must follow the thoughts.</param>
    /// <param name="splits">Whether the reply may think at all.</param>
    /// <param name="starts">Whether it begins within its thoughts.</param>
    public static GrammarNode Before(GrammarNode grammar, bool splits, bool starts)
    {
        if (!splits)
            return grammar;
        var newlines = Grammar.Repeat(Grammar.Text("\n"), 0, MostNewlines);
        var answer = Grammar.Sequence(newlines, grammar);
        var thoughts = Grammar.Sequence(Thoughts(), answer);
        return starts ? thoughts : Grammar.Choice(Grammar.Sequence(newlines, Grammar.Marker("<think>"), thoughts), answer);
    }

    /// <summary>Everything up to the first closing tag, by the automaton of Knuth, Morris and Pratt: piece n has seen n bytes of the tag.</summary>
    private static ReferenceNode Thoughts()
    {
        var pieces = Close.Select(_ => new ReferenceNode()).ToArray();
        for (var seen = 0; seen < Close.Length; seen++)
        {
            var from = seen;
            pieces[seen].Target = Grammar.Choice(
                Enumerable.Range(0, 256).GroupBy(b => After(from, (byte)b)).Select(group =>
                {
                    var bytes = new ByteNode(ByteSet.Where(group.ToHashSet().Contains), isFree: true);
                    return group.Key == Close.Length ? bytes : Grammar.Sequence(bytes, pieces[group.Key]);
                }));
        }

        return pieces[0];
    }

    /// <summary>How many bytes of the tag a text ends with after one more byte.</summary>
    private static int After(int seen, byte next)
    {
        byte[] text = [.. Close.AsSpan(0, seen), next];
        return Enumerable.Range(0, text.Length + 1).Reverse().First(length => text.AsSpan(text.Length - length).SequenceEqual(Close.AsSpan(0, length)));
    }
}
