namespace Deepseek.Inference.Caching;

/// <summary>Caches of texts that have ended, kept so that a text that begins alike need not be computed again.</summary>
/// <remarks>Used on one thread. Those that were used least recently are given up first.</remarks>
internal sealed class KeptCaches : IDisposable
{
    /// <summary>Tokens from which a beginning is worth its copy: all prompts of a model begin with the same one or two.</summary>
    public const int LeastShared = 4;

    private readonly LinkedList<Entry> _entries = new(); // used last comes last

    private sealed record Entry(SequenceCache Cache, object? Owner);

    /// <summary>Tokens of all caches.</summary>
    public long Tokens => _entries.Sum(entry => (long)entry.Cache.Length);

    /// <summary>How many there are.</summary>
    public int Count => _entries.Count;

    /// <summary>How many tokens of a text the best cache for it holds.</summary>
    public int SharedWith(ReadOnlySpan<int> ids) => Best(ids, owner: null).Shared;

    /// <summary>A cache of the longest kept beginning of a text; null where none is worth while. It is the caller's.</summary>
    /// <param name="ids">The text.</param>
    /// <param name="most">Tokens that the cache may hold.</param>
    /// <param name="owner">Whose text it is; a cache of the same owner is taken and cut back, others' are copied unless the text goes on where they end. Null for nobody's.</param>
    public SequenceCache? Take(ReadOnlySpan<int> ids, int most, object? owner)
    {
        var (node, shared) = Best(ids, owner);
        shared = Math.Min(shared, most);
        if (node is null || shared < LeastShared)
            return null;

        _entries.Remove(node);
        var cache = node.Value.Cache;
        if (cache.Length > shared && !(owner is not null && Equals(owner, node.Value.Owner)))
        {
            _entries.AddLast(node);
            return cache.Copy(shared);
        }

        cache.Truncate(shared);
        return cache;
    }

    /// <summary>Keeps a cache.</summary>
    public void Keep(SequenceCache cache, object? owner)
    {
        if (cache.Length < LeastShared)
            cache.Dispose();
        else
            _entries.AddLast(new Entry(cache, owner));
    }

    /// <summary>Gives caches up until no more than so many tokens are kept.</summary>
    public void Trim(long tokens)
    {
        for (var kept = Tokens; kept > tokens && _entries.First is { } oldest; kept -= oldest.Value.Cache.Length)
        {
            _entries.RemoveFirst();
            oldest.Value.Cache.Dispose();
        }
    }

    public void Dispose() => Trim(-1);

    private (LinkedListNode<Entry>? Node, int Shared) Best(ReadOnlySpan<int> ids, object? owner)
    {
        (LinkedListNode<Entry>? Node, int Shared) best = (null, 0);
        for (var node = _entries.Last; node is not null; node = node.Previous)
        {
            var shared = node.Value.Cache.CommonBeginning(ids);
            if (shared > best.Shared || (shared == best.Shared && shared > 0 && owner is not null && Equals(owner, node.Value.Owner)))
                best = (node, shared);
        }

        return best;
    }
}
