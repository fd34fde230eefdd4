namespace Deepseek.Inference.Offload;

/// <summary>What a disk has still to read: demanded records first, hinted ones when there are none, then those that earlier runs used much. Used under the cache's lock.</summary>
internal sealed class DiskQueue(int slots)
{
    private readonly Queue<int> _demanded = new(slots); // slots
    private readonly Queue<int> _hints = new(); // experts
    private readonly Queue<int> _warm = new(); // experts

    /// <summary>Slots whose records are demanded and have pieces left.</summary>
    public int DemandedCount => _demanded.Count;

    /// <summary>The slot of the record that is being read although nobody waits for it; −1 for none.</summary>
    public int Hinted { get; set; } = -1;

    /// <summary>Pieces under way for which nobody waits.</summary>
    public int HintedPieces { get; set; }

    /// <summary>Adds a record that somebody waits for.</summary>
    public void Demand(int slot) => _demanded.Enqueue(slot);

    /// <summary>The slot of the demanded record that comes first; −1 for none.</summary>
    public int Next => _demanded.TryPeek(out var slot) ? slot : -1;

    /// <summary>The first demanded record has no pieces left to begin.</summary>
    public void EndNext() => _demanded.Dequeue();

    /// <summary>Takes a record back whose pieces are not all begun.</summary>
    public void Remove(int slot)
    {
        for (var i = _demanded.Count; i > 0; i--)
        {
            if (_demanded.Dequeue() is var other && other != slot)
                _demanded.Enqueue(other);
        }
    }

    /// <summary>Adds a hint.</summary>
    public void Hint(int expert) => _hints.Enqueue(expert);

    /// <summary>Takes the oldest hint.</summary>
    public bool TryTakeHint(out int expert) => _hints.TryDequeue(out expert);

    /// <summary>Adds an expert that earlier runs used much.</summary>
    public void Warm(int expert) => _warm.Enqueue(expert);

    /// <summary>Takes the most used of those that are left.</summary>
    public bool TryTakeWarm(out int expert) => _warm.TryDequeue(out expert);

    /// <summary>Forgets hints that nobody has followed yet: what they foretold has come to pass.</summary>
    public void DropHints() => _hints.Clear();
}
