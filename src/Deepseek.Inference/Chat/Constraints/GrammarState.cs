namespace Deepseek.Inference.Chat.Constraints;

/// <summary>Where a text stands in a grammar: every way in which it can go on.</summary>
/// <param name="tops">The ways; the node of each is a <see cref="ByteNode"/> or a <see cref="LiteralNode"/>.</param>
/// <param name="accepts">Whether the text may end here.</param>
internal sealed class GrammarState(GrammarFrame[] tops, bool accepts)
{
    public GrammarFrame[] Tops => tops;

    public bool Accepts => accepts;

    /// <summary>Whether the text is none of the grammar's, nor the beginning of one.</summary>
    public bool IsDead => tops.Length == 0 && !accepts;

    /// <summary>Where each byte leads, as far as it was asked for.</summary>
    public GrammarState?[] Next { get; } = new GrammarState?[256];

    /// <summary>Where it leads when some of the first 64 ways take a byte, one bit each: most bytes lead where others do.</summary>
    public Dictionary<ulong, GrammarState> ByTakers { get; } = [];
}
