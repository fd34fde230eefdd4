using Deepseek.Inference.Chat.Constraints;

namespace Deepseek.Inference.Tests.Chat.Constraints;

/// <summary>The definition of what a grammar matches: tries everything, remembers nothing.</summary>
internal sealed class SlowMatcher
{
    private readonly byte[] _text;
    private bool _wantsMore;

    private SlowMatcher(byte[] text) => _text = text;

    /// <summary>Whether a text, or one that it begins, matches; and whether it itself does.</summary>
    public static (bool Begins, bool Matches) Try(GrammarNode root, byte[] text)
    {
        Productivity.Mark(root);
        var matcher = new SlowMatcher(text);
        var matches = matcher.Ends(root, 0).Contains(text.Length);
        return (matches || matcher._wantsMore, matches);
    }

    /// <summary>Every place at which a piece that begins at a place may end.</summary>
    private HashSet<int> Ends(GrammarNode node, int start)
    {
        if (!node.Productive)
            return [];
        switch (node)
        {
            case ByteNode bytes:
                _wantsMore |= start == _text.Length;
                return start < _text.Length && bytes.Set[_text[start]] ? [start + 1] : [];
            case LiteralNode literal:
                var shared = _text.AsSpan(start).CommonPrefixLength(literal.Bytes);
                _wantsMore |= start + shared == _text.Length && shared < literal.Bytes.Length;
                return shared == literal.Bytes.Length ? [start + shared] : [];
            case SequenceNode sequence:
                return sequence.Items.Aggregate(new HashSet<int> { start }, After);
            case ChoiceNode choice:
                return [.. choice.Items.SelectMany(item => Ends(item, start))];
            case ReferenceNode reference:
                return Ends(reference.Target!, start);
            case RepeatNode repeat:
                HashSet<int> ends = [];
                HashSet<int> here = [start];
                for (var times = 0; here.Count > 0 && times <= (repeat.Most ?? (_text.Length + repeat.Least + 1)); times++)
                {
                    if (times >= repeat.Least)
                        ends.UnionWith(here);
                    if (times != repeat.Most)
                        here = After(here, repeat.Item);
                }

                return ends;
            default:
                throw new ArgumentException($"{node.GetType().Name} is no known piece.", nameof(node));
        }
    }

    private HashSet<int> After(HashSet<int> starts, GrammarNode node) => [.. starts.SelectMany(start => Ends(node, start))];
}
