namespace Deepseek.Inference.Offload.Eviction;

/// <summary>Gathers, in one pass over what lies in memory, those that leave: as many of the lowest rank as are needed.</summary>
/// <remarks>What a layer misses needs its places at once, so one pass serves all of it. Ranks hold for the whole pass; nothing may come or leave meanwhile.</remarks>
/// <param name="items">Receives what leaves, the lowest first; as long as places are needed.</param>
/// <param name="ranks">As long as <paramref name="items"/>.</param>
internal ref struct LowestRanked(Span<int> items, Span<double> ranks)
{
    private readonly Span<int> _items = items;
    private readonly Span<double> _ranks = ranks;

    /// <summary>How many have been gathered: fewer than are needed where fewer were offered.</summary>
    public int Count { get; private set; }

    /// <summary>Takes something into account that may leave; of equal ranks what was offered first leaves first.</summary>
    public void Offer(int item, double rank)
    {
        if (Count == _ranks.Length)
        {
            if (Count == 0 || !(rank < _ranks[Count - 1]))
                return;
        }
        else
        {
            Count++;
        }

        var place = Count - 1;
        for (; place > 0 && rank < _ranks[place - 1]; place--)
            (_ranks[place], _items[place]) = (_ranks[place - 1], _items[place - 1]);
        (_ranks[place], _items[place]) = (rank, item);
    }
}
