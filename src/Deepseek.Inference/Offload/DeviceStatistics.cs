namespace Deepseek.Inference.Offload;

/// <summary>What a device's memory holds, and what has been copied to it since a model was loaded. The difference of two says what lies between them.</summary>
/// <remarks>On a GPU unverified: has not run on one.</remarks>
public readonly record struct DeviceStatistics
{
    /// <summary>Bytes that the model may take of the device's memory.</summary>
    public long BudgetBytes { get; init; }

    /// <summary>Bytes that the device's runtime is expected to take.</summary>
    public long RuntimeBytes { get; init; }

    /// <summary>Bytes of the weights that every token uses.</summary>
    public long AlwaysUsedBytes { get; init; }

    /// <summary>Bytes for caches of the context.</summary>
    public long CacheBytes { get; init; }

    /// <summary>Bytes that passes are expected to compute in.</summary>
    public long WorkingBytes { get; init; }

    /// <summary>Experts that the device holds at most.</summary>
    public int Slots { get; init; }

    /// <summary>Slots that hold one.</summary>
    public int FilledSlots { get; init; }

    /// <summary>Experts that the model has.</summary>
    public int Experts { get; init; }

    /// <summary>Bytes of an expert's record, of the longest where they differ.</summary>
    public long RecordBytes { get; init; }

    /// <summary>Bytes of memory for experts.</summary>
    public long SlotBytes => Slots * RecordBytes;

    /// <summary>The most memory of the device that the model is expected to take.</summary>
    public long PredictedPeakBytes => RuntimeBytes + AlwaysUsedBytes + CacheBytes + WorkingBytes + SlotBytes;

    /// <summary>The most by which the device's free memory was seen to have shrunk since the model was loaded, other programs' use included; null where the device does not tell.</summary>
    public long? ReportedPeakBytes { get; init; }

    /// <summary>Whether the host's memory for experts is locked in its place, so that copies need no help of the processor.</summary>
    public bool LocksHostMemory { get; init; }

    /// <summary>Demanded experts that the device held. Prompts count apart.</summary>
    public long Hits { get; init; }

    /// <summary>Demanded experts that were copied to it.</summary>
    public long Misses { get; init; }

    /// <summary>Experts that prompts found on the device.</summary>
    public long PrefillHits { get; init; }

    /// <summary>Experts that were copied for prompts.</summary>
    public long PrefillMisses { get; init; }

    /// <summary>Bytes of experts copied to the device.</summary>
    public long CopiedBytes { get; init; }

    /// <summary>The share of demanded experts that the device held; 0 where none was demanded.</summary>
    public double HitRate => Hits + Misses == 0 ? 0 : (double)Hits / (Hits + Misses);

    /// <summary>What happened since an earlier moment; sizes are of now.</summary>
    public DeviceStatistics Since(DeviceStatistics earlier) => this with
    {
        Hits = Hits - earlier.Hits,
        Misses = Misses - earlier.Misses,
        PrefillHits = PrefillHits - earlier.PrefillHits,
        PrefillMisses = PrefillMisses - earlier.PrefillMisses,
        CopiedBytes = CopiedBytes - earlier.CopiedBytes,
    };
}
