namespace Deepseek.Inference.Offload;

/// <summary>What paging has done since a model was loaded. The difference of two says what lies between them.</summary>
public readonly record struct PagingStatistics
{
    /// <summary>Experts that memory holds at most.</summary>
    public int Slots { get; init; }

    /// <summary>Slots that hold one.</summary>
    public int FilledSlots { get; init; }

    /// <summary>Experts that the model has on the disk.</summary>
    public int Experts { get; init; }

    /// <summary>Bytes of an expert's record, of the longest where they differ.</summary>
    public long RecordBytes { get; init; }

    /// <summary>Bytes of memory for experts.</summary>
    public long SlotBytes => Slots * RecordBytes;

    /// <summary>Demanded experts that were in memory; one that a hint brought for this token does not count. Prompts count apart.</summary>
    public long Hits { get; init; }

    /// <summary>Demanded experts that were not.</summary>
    public long Misses { get; init; }

    /// <summary>Experts that prompts found in memory.</summary>
    public long PrefillHits { get; init; }

    /// <summary>Experts that were read for prompts.</summary>
    public long PrefillMisses { get; init; }

    /// <summary>Bytes read because a token or a prompt demanded them.</summary>
    public long DemandedBytes { get; init; }

    /// <summary>Bytes read because of hints.</summary>
    public long PrefetchedBytes { get; init; }

    /// <summary>Of the bytes read because of hints, those of experts that left memory before any token demanded them.</summary>
    public long PrefetchedInVainBytes { get; init; }

    /// <summary>Bytes read in idle time because earlier runs had used them most.</summary>
    public long WarmedBytes { get; init; }

    /// <summary>Experts that hints brought, entirely or in part.</summary>
    public long Prefetches { get; init; }

    /// <summary>Of them, those that a token demanded afterwards.</summary>
    public long PrefetchesUsed { get; init; }

    /// <summary>Bytes of experts that hints brought and a token demanded.</summary>
    public long PrefetchesUsedBytes { get; init; }

    /// <summary>Pieces of records that were read again because the disk had failed.</summary>
    public long Retries { get; init; }

    /// <summary>How long passes waited with nothing to compute.</summary>
    public TimeSpan Stalled { get; init; }

    /// <summary>All bytes read.</summary>
    public long ReadBytes => DemandedBytes + PrefetchedBytes + WarmedBytes;

    /// <summary>The share of demanded experts that needed no read; 0 where none was demanded.</summary>
    public double HitRate => Hits + Misses == 0 ? 0 : (double)Hits / (Hits + Misses);

    /// <summary>The share of experts brought by hints that a token demanded; 0 where there were none.</summary>
    public double PrefetchAccuracy => Prefetches == 0 ? 0 : (double)PrefetchesUsed / Prefetches;

    /// <summary>What happened since an earlier moment; sizes are of now.</summary>
    public PagingStatistics Since(PagingStatistics earlier) => this with
    {
        Hits = Hits - earlier.Hits,
        Misses = Misses - earlier.Misses,
        PrefillHits = PrefillHits - earlier.PrefillHits,
        PrefillMisses = PrefillMisses - earlier.PrefillMisses,
        DemandedBytes = DemandedBytes - earlier.DemandedBytes,
        PrefetchedBytes = PrefetchedBytes - earlier.PrefetchedBytes,
        PrefetchedInVainBytes = PrefetchedInVainBytes - earlier.PrefetchedInVainBytes,
        WarmedBytes = WarmedBytes - earlier.WarmedBytes,
        Prefetches = Prefetches - earlier.Prefetches,
        PrefetchesUsed = PrefetchesUsed - earlier.PrefetchesUsed,
        PrefetchesUsedBytes = PrefetchesUsedBytes - earlier.PrefetchesUsedBytes,
        Retries = Retries - earlier.Retries,
        Stalled = Stalled - earlier.Stalled,
    };
}
