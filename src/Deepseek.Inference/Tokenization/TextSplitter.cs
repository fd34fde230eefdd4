namespace Deepseek.Inference.Tokenization;

/// <summary>The pre-tokenizer: cuts text into the pieces within which bytes are merged.</summary>
/// <param name="AddPrefixSpace">A text that does not begin with a space is given one first.</param>
/// <param name="Stages">Patterns; each cuts the pieces that the one before it made.</param>
internal sealed record TextSplitter(bool AddPrefixSpace, IReadOnlyList<RunePattern> Stages)
{
    /// <summary>Cuts a text into pieces that cover it.</summary>
    /// <param name="text">Well-formed UTF-16.</param>
    public List<TextPiece> Split(ReadOnlySpan<char> text)
    {
        List<TextPiece> pieces = [];
        if (text.Length > 0)
            pieces.Add(new TextPiece(0, text.Length));
        List<TextPiece> parts = [];
        foreach (var pattern in Stages)
        {
            parts.Clear();
            foreach (var piece in pieces)
                pattern.Split(text, piece, parts);
            (pieces, parts) = (parts, pieces);
        }

        return pieces;
    }
}
