namespace Deepseek.Inference.Offload;

/// <summary>How experts come into memory and leave it, where not all of them fit. No answer depends on it, only speed.</summary>
public sealed record PagingOptions
{
    /// <summary>Which expert leaves when another needs its place. Default <see cref="EvictionPolicy.LeastStale"/>, which recorded and made-up routings show to be best (docs/paging.md).</summary>
    public EvictionPolicy Eviction { get; init; } = EvictionPolicy.LeastStale;

    /// <summary>Whether every layer has an equal share of the memory for experts, instead of all layers together. Default false.</summary>
    public bool ShareByLayer { get; init; }

    /// <summary>The share of the memory for experts, 0 to 0.9, whose experts never leave: those that recorded usage shows to be used most. Default 0.</summary>
    public double PinnedShare { get; init; }

    /// <summary>Whether the router of the next layer is guessed, and idle disks read what it will probably choose. Default false: where it was measured it gained nothing (docs/paging.md). On the CPU operations.</summary>
    public bool Prefetch { get; init; }

    /// <summary>
    /// <b>Changes answers.</b> How far the routers of decoded tokens lean towards experts that are in memory, 0 to 1, as a share of the range of a token's scores; the best expert is always chosen. Default 0: not at all, the
    /// model as it was trained. Fewer reads for some quality: docs/paging.md has figures (cache-conditional routing, arXiv:2412.00099). What a token's experts are then depends on what was decoded before it. On the CPU operations.
    /// </summary>
    public double CachePreference { get; init; }

    /// <summary>When checksums of experts are compared. Default <see cref="ChecksumPolicy.First"/>.</summary>
    public ChecksumPolicy Checksums { get; init; } = ChecksumPolicy.First;

    /// <summary>Whether usage is recorded in the user's cache folder, and the experts used most are read in the background when the model is loaded again. Default true.</summary>
    public bool RememberUsage { get; init; } = true;

    /// <summary>A file to which the experts of every decoded token are recorded (docs/paging.md describes it); an older one is replaced. Null (the default) for none. On the CPU operations.</summary>
    public string? RoutingTrace { get; init; }

    /// <summary>Experts that memory holds, whatever the budget says; null for what it says.</summary>
    internal int? Slots { get; init; }

    /// <summary>Experts that a device holds, whatever the budget says; null for what it says.</summary>
    internal int? DeviceSlots { get; init; }

    /// <summary>Adds what is at fault.</summary>
    internal void Validate(List<string> faults)
    {
        if (!Enum.IsDefined(Eviction))
            faults.Add($"{nameof(Eviction)} is {Eviction}; it must be {string.Join(", ", Enum.GetNames<EvictionPolicy>()[..^1])} or {Enum.GetNames<EvictionPolicy>()[^1]}.");
        if (!(PinnedShare is >= 0 and <= 0.9))
            faults.Add(FormattableString.Invariant($"{nameof(PinnedShare)} is {PinnedShare}; it must be 0 to 0.9, since tokens need slots that change."));
        if (!(CachePreference is >= 0 and <= 1))
            faults.Add(FormattableString.Invariant($"{nameof(CachePreference)} is {CachePreference}; it must be 0 (exact) to 1."));
        if (!Enum.IsDefined(Checksums))
            faults.Add($"{nameof(Checksums)} is {Checksums}; it must be {nameof(ChecksumPolicy.First)}, {nameof(ChecksumPolicy.Always)} or {nameof(ChecksumPolicy.Never)}.");
    }
}
