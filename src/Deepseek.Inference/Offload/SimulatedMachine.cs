namespace Deepseek.Inference.Offload;

/// <summary>Sizes of a model and speeds of a machine, for a forecast.</summary>
public sealed record SimulatedMachine
{
    /// <summary>Bytes of one expert as it is stored; 1 or more.</summary>
    public required long ExpertBytes { get; init; }

    /// <summary>Bytes of weights that every token reads, whatever experts it uses; 0 or more.</summary>
    public required long AlwaysReadBytes { get; init; }

    /// <summary>What the memory delivers, in GB (10⁹ bytes) a second; above 0. Default 60, dual-channel DDR5.</summary>
    public double MemoryGigabytesPerSecond { get; init; } = 60;

    /// <summary>What the disk delivers, in GB (10⁹ bytes) a second; above 0. Default 6.5, an NVMe disk on PCIe 4.</summary>
    public double DiskGigabytesPerSecond { get; init; } = 6.5;

    /// <summary>Reports every fault at once.</summary>
    internal void Validate()
    {
        List<string> faults = [];
        if (ExpertBytes < 1)
            faults.Add(FormattableString.Invariant($"{nameof(ExpertBytes)} is {ExpertBytes}; it must be 1 or more."));
        if (AlwaysReadBytes < 0)
            faults.Add(FormattableString.Invariant($"{nameof(AlwaysReadBytes)} is {AlwaysReadBytes}; it must be 0 or more."));
        RequireSpeed(nameof(MemoryGigabytesPerSecond), MemoryGigabytesPerSecond, faults);
        RequireSpeed(nameof(DiskGigabytesPerSecond), DiskGigabytesPerSecond, faults);
        if (faults.Count > 0)
            throw new ArgumentException($"{nameof(SimulatedMachine)}: {string.Join(" ", faults)}");
    }

    private static void RequireSpeed(string name, double speed, List<string> faults)
    {
        if (!(speed > 0 && double.IsFinite(speed)))
            faults.Add(FormattableString.Invariant($"{name} is {speed}; it must be above 0 and finite."));
    }
}
