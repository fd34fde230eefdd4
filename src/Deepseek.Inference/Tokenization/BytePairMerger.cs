namespace Deepseek.Inference.Tokenization;

/// <summary>Merges the bytes of one piece into tokens, in O(n log n) for a piece of any length.</summary>
/// <remarks>
/// The pair of the lowest rank is merged first, the leftmost of several (Sennrich et al., arXiv:1508.07909, §3.2, by priority queue as in
/// huggingface/tokenizers src/models/bpe/word.rs). Immutable, and safe to use from several threads at a time.
/// </remarks>
internal sealed class BytePairMerger
{
    private const int None = -1;

    private readonly Dictionary<(int Left, int Right), (int Rank, int Result)> _merges = [];

    /// <summary>Prepares the merges.</summary>
    /// <param name="vocabulary">Ids by token; both halves and the result of every merge are in it.</param>
    /// <param name="merges">Pairs in the order of their priority. Of one pair given twice the last counts, as in the reference.</param>
    public BytePairMerger(Dictionary<string, int> vocabulary, IReadOnlyList<(string Left, string Right)> merges)
    {
        _merges.EnsureCapacity(merges.Count);
        for (var rank = 0; rank < merges.Count; rank++)
        {
            var (left, right) = merges[rank];
            _merges[(vocabulary[left], vocabulary[right])] = (rank, vocabulary[left + right]);
        }
    }

    /// <summary>The rank of a pair; null where it never merges.</summary>
    public int? Rank(int left, int right) => _merges.TryGetValue((left, right), out var merge) ? merge.Rank : null;

    /// <summary>Merges a piece.</summary>
    /// <param name="symbols">The piece's bytes as tokens; overwritten.</param>
    /// <param name="ids">Receives the merged tokens.</param>
    public void Merge(Span<int> symbols, List<int> ids)
    {
        var next = new int[symbols.Length]; // the symbol to the right; None at the end, and where a symbol was merged away
        var previous = new int[symbols.Length];
        PriorityQueue<(int Position, int Result), long> queue = new();
        for (var i = 0; i < symbols.Length; i++)
        {
            (previous[i], next[i]) = (i - 1, i + 1 < symbols.Length ? i + 1 : None);
            if (i > 0)
                Offer(queue, symbols, i - 1, i);
        }

        while (queue.TryDequeue(out var entry, out _))
        {
            // An entry is out of date once one of its two symbols has changed.
            var (left, right) = (entry.Position, next[entry.Position]);
            if (right == None || !_merges.TryGetValue((symbols[left], symbols[right]), out var merge) || merge.Result != entry.Result)
                continue;
            symbols[left] = merge.Result;
            next[left] = next[right];
            next[right] = None;
            symbols[right] = None;
            if (next[left] != None)
                previous[next[left]] = left;

            if (previous[left] != None)
                Offer(queue, symbols, previous[left], left);
            if (next[left] != None)
                Offer(queue, symbols, left, next[left]);
        }

        foreach (var symbol in symbols)
        {
            if (symbol != None)
                ids.Add(symbol);
        }
    }

    private void Offer(PriorityQueue<(int Position, int Result), long> queue, ReadOnlySpan<int> symbols, int left, int right)
    {
        if (_merges.TryGetValue((symbols[left], symbols[right]), out var merge))
            queue.Enqueue((left, merge.Result), (long)merge.Rank << 32 | (uint)left);
    }
}
