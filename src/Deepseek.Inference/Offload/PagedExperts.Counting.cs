using System.Diagnostics;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Offload;

// What is measured, under the lock but for retries.
internal sealed partial class PagedExperts
{
    private PagingStatistics _counters;
    private int _retries;

    /// <summary>What has happened so far.</summary>
    public PagingStatistics Statistics
    {
        get
        {
            lock (_gate)
                return _counters with { FilledSlots = _table.Count - _table.FreeCount, Retries = Volatile.Read(ref _retries) };
        }
    }

    private void CountDemand(bool hit)
    {
        if (hit)
        {
            _counters = _counters with { Hits = _counters.Hits + 1 };
            PagingMeters.Hits.Add(1);
        }
        else
        {
            _counters = _counters with { Misses = _counters.Misses + 1 };
            PagingMeters.Misses.Add(1);
        }
    }

    private void CountPrefill(bool hit) => _counters = hit
        ? _counters with { PrefillHits = _counters.PrefillHits + 1 }
        : _counters with { PrefillMisses = _counters.PrefillMisses + 1 };

    private void CountRead(int bytes, bool hinted, bool prefetched)
    {
        if (hinted && !prefetched)
        {
            _counters = _counters with { WarmedBytes = _counters.WarmedBytes + bytes };
        }
        else if (hinted)
        {
            _counters = _counters with { PrefetchedBytes = _counters.PrefetchedBytes + bytes };
            PagingMeters.PrefetchedBytes.Add(bytes);
        }
        else
        {
            _counters = _counters with { DemandedBytes = _counters.DemandedBytes + bytes };
            PagingMeters.DemandedBytes.Add(bytes);
        }
    }

    private void CountPrefetch() => _counters = _counters with { Prefetches = _counters.Prefetches + 1 };

    private void CountPrefetchUsed(int bytes)
    {
        _counters = _counters with { PrefetchesUsed = _counters.PrefetchesUsed + 1, PrefetchesUsedBytes = _counters.PrefetchesUsedBytes + bytes };
        PagingMeters.PrefetchedUsedBytes.Add(bytes);
    }

    private void CountInVain(int bytes)
    {
        _counters = _counters with { PrefetchedInVainBytes = _counters.PrefetchedInVainBytes + bytes };
        PagingMeters.PrefetchedInVainBytes.Add(bytes);
    }

    private void CountRetry()
    {
        _ = Interlocked.Increment(ref _retries);
        PagingMeters.Retries.Add(1);
    }

    private void CountStall(long since)
    {
        var time = Stopwatch.GetElapsedTime(since);
        _counters = _counters with { Stalled = _counters.Stalled + time };
        PagingMeters.Stalls.Record(time.TotalSeconds);
        var queued = 0;
        foreach (var disk in _disks)
            queued += disk.DemandedCount;
        PagingMeters.QueueDepth.Record(queued);
    }
}
