namespace Deepseek.Inference.Planning;

/// <summary>What lies in one kind of memory.</summary>
/// <param name="BudgetBytes">What there is.</param>
/// <param name="ReserveBytes">For the runtime, libraries and scratch memory.</param>
/// <param name="AlwaysUsedBytes">Weights that every token uses.</param>
/// <param name="CacheBytes">The cache of the context that was asked for.</param>
/// <param name="ExpertCount">Slots for experts.</param>
/// <param name="ExpertBytes">Their bytes.</param>
public sealed record MemoryUse(long BudgetBytes, long ReserveBytes, long AlwaysUsedBytes, long CacheBytes, long ExpertCount, long ExpertBytes)
{
    /// <summary>All of it together.</summary>
    public long UsedBytes => ReserveBytes + AlwaysUsedBytes + CacheBytes + ExpertBytes;
}

/// <summary>Where a model lies: always-used weights first, then the cache, then as many experts as there is room for; the others stay on the disk.</summary>
/// <param name="Device">The graphics card; null where there is none.</param>
/// <param name="Ram">The computer's memory.</param>
/// <param name="DiskExperts">Experts that have no slot.</param>
/// <param name="ShortfallBytes">RAM that is missing for what must be in memory; 0 where the model can run.</param>
public sealed record ModelPlacement(MemoryUse? Device, MemoryUse Ram, long DiskExperts, long ShortfallBytes)
{
    /// <summary>Whether the model can run.</summary>
    public bool Fits => ShortfallBytes == 0;

    /// <summary>Experts with a slot on the graphics card.</summary>
    public long DeviceExperts => Device?.ExpertCount ?? 0;

    /// <summary>The share of all experts that have a slot, 0 to 1; 1 for a model without routed experts.</summary>
    public double ShareInMemory => Share(DeviceExperts + Ram.ExpertCount);

    /// <summary>The share of all experts that have a slot on the graphics card.</summary>
    public double ShareOnDevice => Share(DeviceExperts);

    private double Share(long experts) => experts + DiskExperts == 0 ? 1 : (double)experts / (DeviceExperts + Ram.ExpertCount + DiskExperts);
}
