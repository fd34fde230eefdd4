namespace Deepseek.Inference.Chat.Constraints;

/// <summary>A piece of a grammar over bytes. Nodes do not change once a grammar is complete, and may be shared by several.</summary>
internal abstract class GrammarNode
{
    /// <summary>Whether some finite text matches; found by <see cref="Productivity"/>. What does not is never entered, so that no text leads nowhere.</summary>
    public bool Productive { get; set; }
}

/// <summary>One byte of a set.</summary>
/// <param name="set">The bytes.</param>
/// <param name="isFree">Control tokens may stand here too, as in a model's thoughts; elsewhere they are no text.</param>
internal sealed class ByteNode(ByteSet set, bool isFree = false) : GrammarNode
{
    public ByteSet Set => set;

    public bool IsFree => isFree;
}

/// <summary>Given bytes, one or more.</summary>
/// <param name="bytes">The bytes.</param>
/// <param name="isMarker">A control token of this text stands for all of it.</param>
internal sealed class LiteralNode(byte[] bytes, bool isMarker) : GrammarNode
{
    public byte[] Bytes => bytes;

    public bool IsMarker => isMarker;
}

/// <summary>Pieces one after the other; none is the empty text.</summary>
internal sealed class SequenceNode(GrammarNode[] items) : GrammarNode
{
    public GrammarNode[] Items => items;
}

/// <summary>One of several pieces; none matches nothing.</summary>
internal sealed class ChoiceNode(GrammarNode[] items) : GrammarNode
{
    public GrammarNode[] Items => items;
}

/// <summary>A piece some number of times.</summary>
/// <param name="item">The piece.</param>
/// <param name="least">Times at least.</param>
/// <param name="most">Times at most; null for no bound.</param>
internal sealed class RepeatNode(GrammarNode item, int least, int? most) : GrammarNode
{
    public GrammarNode Item => item;

    public int Least => least;

    public int? Most => most;
}

/// <summary>A piece that is defined elsewhere, which makes recursion possible.</summary>
internal sealed class ReferenceNode : GrammarNode
{
    public GrammarNode? Target { get; set; }
}
