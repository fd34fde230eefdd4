using Deepseek.Inference.Store;

namespace Deepseek.Inference.Offload;

// What a reader's thread does.
internal sealed partial class PagedExperts
{
    // Of a hinted record: what a demanded one has to wait for at most.
    private const int MostHintedPieces = 2;

    private void Serve(int disk)
    {
        var queue = _disks[disk];
        lock (_gate)
        {
            while (!_disposed)
            {
                if (!TryNext(queue, out var slot, out var piece))
                {
                    Monitor.Wait(_gate);
                    continue;
                }

                var (expert, hinted, prefetched) = (_table[slot].Expert, _table[slot].MayWait, _table[slot].Prefetched);
                Monitor.Exit(_gate);
                ReadFault? fault = null;
                try
                {
                    fault = ReadPiece(slot, expert, piece);
                }
                finally
                {
                    Monitor.Enter(_gate);
                }

                if (hinted)
                    queue.HintedPieces--;
                CountRead(PieceLength(expert, piece), hinted, prefetched);
                Arrive(slot, expert, fault, queue);
            }
        }
    }

    /// <summary>The next piece to read: of the record that is demanded longest, else of a hinted one.</summary>
    private bool TryNext(DiskQueue queue, out int slot, out int piece)
    {
        (slot, piece) = (queue.Next, 0);
        if (slot >= 0)
        {
            piece = _table[slot].Begun++;
            if (_table[slot].Begun == PiecesOf(_table[slot].Expert))
                queue.EndNext();
            return true;
        }

        if (queue.HintedPieces >= MostHintedPieces || (queue.Hinted < 0 && !TryFollowHint(queue) && !TryWarm(queue)))
            return false;

        slot = queue.Hinted;
        piece = _table[slot].Begun++;
        if (_table[slot].Begun == PiecesOf(_table[slot].Expert))
            queue.Hinted = -1;
        queue.HintedPieces++;
        return true;
    }

    /// <summary>Gives a slot to the oldest hint for which one may be had.</summary>
    private bool TryFollowHint(DiskQueue queue)
    {
        while (queue.TryTakeHint(out var expert))
        {
            if (_table.SlotOf(expert) >= 0)
                continue;
            var slot = Place(expert, cold: true, sparesRecent: true);
            if (slot < 0)
                continue;
            _table[slot].Prefetched = true;
            CountPrefetch();
            queue.Hinted = slot;
            return true;
        }

        return false;
    }

    /// <summary>Fills a slot that nobody has used yet with what earlier runs used most.</summary>
    private bool TryWarm(DiskQueue queue)
    {
        while (_table.FreeCount > 0 && queue.TryTakeWarm(out var expert))
        {
            if (_table.SlotOf(expert) >= 0)
                continue;
            queue.Hinted = Place(expert, cold: false, sparesRecent: true);
            _table[queue.Hinted].MayWait = true;
            return true;
        }

        return false;
    }

    /// <summary>Reads a piece, again where the disk fails. Without the lock: a slot that is being read is nobody else's.</summary>
    private DiskFault? ReadPiece(int slot, int expert, int piece)
    {
        ref readonly var page = ref _pages[expert];
        var from = piece * _options.PieceBytes;
        var destination = _slots.Bytes(slot, from, PieceLength(expert, piece));
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                _shards.Read(page.Shard, page.Offset + from, destination);
                return null;
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                if (attempt == _options.Attempts || _disposed)
                    return new DiskFault(_shards.PathOf(page.Shard), page.Page, attempt, fault);
            }

            CountRetry();
            _ = _stopping.Wait(TimeSpan.FromMilliseconds(10 * attempt)); // a disk that resets itself needs a moment
        }
    }

    /// <summary>A piece has arrived or failed; the last one makes the record ready.</summary>
    private void Arrive(int slot, int expert, ReadFault? fault, DiskQueue queue)
    {
        ref var one = ref _table[slot];
        one.Done++;
        one.Fault ??= fault;
        if (one.Fault is not null && one.Begun < PiecesOf(expert))
            Abandon(slot, expert, queue);
        if (one.Done < PiecesOf(expert))
            return;

        fault = one.Fault ?? Verify(slot, expert);
        if (fault is ChecksumFault && _table[slot].Repeats == 0)
        {
            // Perhaps the bytes were lost on their way, not on the disk.
            one = ref _table[slot];
            (one.Begun, one.Done, one.MayWait) = (0, 0, false);
            one.Repeats++;
            queue.Demand(slot);
        }
        else if (fault is not null)
        {
            _table.Fail(slot, fault);
        }
        else
        {
            _table[slot].State = SlotState.Ready;
        }

        Monitor.PulseAll(_gate);
    }

    /// <summary>A record of which a piece failed is not read any further.</summary>
    private void Abandon(int slot, int expert, DiskQueue queue)
    {
        ref var one = ref _table[slot];
        one.Done += PiecesOf(expert) - one.Begun;
        one.Begun = PiecesOf(expert);
        if (queue.Hinted == slot)
            queue.Hinted = -1;
        else
            queue.Remove(slot);
    }

    /// <summary>Compares a record's checksum where that is asked for; lets go of the lock meanwhile.</summary>
    private ChecksumFault? Verify(int slot, int expert)
    {
        if (_options.Checksums == ChecksumPolicy.Never || (_options.Checksums == ChecksumPolicy.First && _verified[expert]))
            return null;

        var page = _pages[expert];
        UInt128 actual;
        Monitor.Exit(_gate);
        try
        {
            actual = StoreManifest.Checksum(_slots.Bytes(slot, 0, page.Length));
        }
        finally
        {
            Monitor.Enter(_gate);
        }

        _verified[expert] = actual == page.Checksum;
        return actual == page.Checksum ? null : new ChecksumFault(_shards.PathOf(page.Shard), page.Page, page.Checksum, actual);
    }

    private int PiecesOf(int expert) => (_pages[expert].Length + _options.PieceBytes - 1) / _options.PieceBytes;

    private int PieceLength(int expert, int piece) => Math.Min(_options.PieceBytes, _pages[expert].Length - (piece * _options.PieceBytes));
}
