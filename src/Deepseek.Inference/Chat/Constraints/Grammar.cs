using System.Text;

namespace Deepseek.Inference.Chat.Constraints;

/// <summary>Short words for building grammars.</summary>
internal static class Grammar
{
    /// <summary>The empty text.</summary>
    public static GrammarNode Empty { get; } = new SequenceNode([]);

    /// <summary>What no text matches.</summary>
    public static GrammarNode Nothing { get; } = new ChoiceNode([]);

    /// <summary>This text.</summary>
    public static GrammarNode Text(string text) => text.Length == 0 ? Empty : new LiteralNode(Encoding.UTF8.GetBytes(text), isMarker: false);

    /// <summary>This text, which a control token may stand for.</summary>
    public static GrammarNode Marker(string text) => new LiteralNode(Encoding.UTF8.GetBytes(text), isMarker: true);

    /// <summary>One of these ASCII characters.</summary>
    public static GrammarNode OneOf(string characters) => new ByteNode(ByteSet.Of(characters));

    /// <summary>One byte of a range.</summary>
    public static GrammarNode Bytes(int first, int last) => new ByteNode(ByteSet.Range(first, last));

    /// <summary>One after the other.</summary>
    public static GrammarNode Sequence(params GrammarNode[] items) => items.Length == 1 ? items[0] : new SequenceNode(items);

    /// <summary>Any one of them.</summary>
    public static GrammarNode Choice(params IEnumerable<GrammarNode> items) => items.ToArray() is var all && all.Length == 1 ? all[0] : new ChoiceNode(all);

    /// <summary>Any one of these texts. What they begin with alike is written once, so that a long list makes few ways to go on.</summary>
    public static GrammarNode AnyOf(IEnumerable<string> texts) => AnyOf(texts.Distinct().Select(Encoding.UTF8.GetBytes).ToList(), 0);

    /// <summary>It or nothing.</summary>
    public static GrammarNode Optional(GrammarNode item) => new ChoiceNode([item, Empty]);

    /// <summary>It, that often.</summary>
    public static GrammarNode Repeat(GrammarNode item, int least, int? most = null) => new RepeatNode(item, least, most);

    private static GrammarNode AnyOf(List<byte[]> texts, int from) => Choice(texts.GroupBy(text => text.Length > from ? text[from] : -1).Select(group =>
    {
        var alike = group.ToList();
        if (group.Key < 0)
            return Empty;
        if (alike is [var only])
            return new LiteralNode(only[from..], isMarker: false);
        var to = alike.Min(text => from + text.AsSpan(from).CommonPrefixLength(alike[0].AsSpan(from)));
        return Sequence(new LiteralNode(alike[0][from..to], isMarker: false), AnyOf(alike, to));
    }));
}
