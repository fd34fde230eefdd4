namespace Deepseek.Inference.Chat.Constraints;

/// <summary>What a text must still match: a piece of the grammar from a position on, then what lies below.</summary>
/// <remarks>Frames with the same contents are one object while the machine remembers them, so that states can be compared by reference.</remarks>
/// <param name="node">The piece.</param>
/// <param name="index">How far it has come: bytes of a literal, items of a sequence, times of a repetition.</param>
/// <param name="below">What follows it; null where the text may then end.</param>
/// <param name="id">A number of its own.</param>
internal sealed class GrammarFrame(GrammarNode node, int index, GrammarFrame? below, long id)
{
    public GrammarNode Node => node;

    public int Index => index;

    public GrammarFrame? Below => below;

    public long Id => id;
}
