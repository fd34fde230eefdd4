namespace Deepseek.Inference.Tokenization;

/// <summary>Remembers the tokens of short pieces, most of which occur again and again.</summary>
/// <remarks>
/// Of fixed size, and without locks: a slot holds an immutable entry, which a later piece of the same hash replaces.
/// Two threads that write one slot at a time both leave a right entry there. It speeds English prose up about twofold.
/// </remarks>
internal sealed class PieceCache
{
    internal const int LongestPiece = 32; // characters; longer pieces seldom occur twice
    private const int Slots = 1 << 14; // a power of two; some 2 MB when full

    private readonly Entry?[] _slots = new Entry?[Slots];

    /// <summary>The tokens of a piece; null where they are not remembered.</summary>
    public int[]? Find(ReadOnlySpan<char> piece) =>
        _slots[Slot(piece)] is { } entry && piece.SequenceEqual(entry.Piece) ? entry.Ids : null;

    /// <summary>Remembers the tokens of a piece.</summary>
    public void Add(ReadOnlySpan<char> piece, int[] ids) => _slots[Slot(piece)] = new Entry(piece.ToString(), ids);

    private static int Slot(ReadOnlySpan<char> piece) => string.GetHashCode(piece) & (Slots - 1);

    private sealed record Entry(string Piece, int[] Ids);
}
