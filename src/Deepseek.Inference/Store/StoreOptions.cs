using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Store;

/// <summary>How a checkpoint becomes a page store.</summary>
/// <remarks>Norms, biases, router weights and selection biases always stay as the checkpoint has them. The defaults were chosen by measurement: docs/quantization.md.</remarks>
public sealed record StoreOptions
{
    /// <summary>Routed experts. Default <see cref="StorePrecision.Nf4"/>.</summary>
    public StorePrecision Experts { get; init; } = StorePrecision.Nf4;

    /// <summary>Dense feed-forwards and shared experts. Default <see cref="StorePrecision.Nf4"/>.</summary>
    public StorePrecision Dense { get; init; } = StorePrecision.Nf4;

    /// <summary>Projections of attention but <c>kv_b_proj</c>. Default <see cref="StorePrecision.Nf4"/>.</summary>
    public StorePrecision Attention { get; init; } = StorePrecision.Nf4;

    /// <summary><c>kv_b_proj</c> of latent attention. Default <see cref="StorePrecision.Int8"/>.</summary>
    public StorePrecision LatentUp { get; init; } = StorePrecision.Int8;

    /// <summary>The embedding. Default <see cref="StorePrecision.Nf4"/>.</summary>
    public StorePrecision Embedding { get; init; } = StorePrecision.Nf4;

    /// <summary>The output head, also where it is the embedding. Default <see cref="StorePrecision.Nf4"/>.</summary>
    public StorePrecision Head { get; init; } = StorePrecision.Nf4;

    /// <summary>All matrices of the multi-token-prediction layer, which drafts well in 8 bits or more alone; null leaves the layer out. Default <see cref="StorePrecision.Int8"/>.</summary>
    public StorePrecision? Prediction { get; init; } = StorePrecision.Int8;

    /// <summary>How much the columns of each matrix count, from a calibration; null for all alike.</summary>
    public ColumnEnergies? Energies { get; init; }

    /// <summary>
    /// Folders on other disks that share the experts of every layer with the store's own, in proportion to their speeds; it has links to them. Experts are then read from all disks at once. Empty (the default) for none. A finished
    /// store moves no more: where its shards lie was decided when they were begun.
    /// </summary>
    public IReadOnlyList<StoreDisk> Also { get; init; } = [];

    /// <summary>How fast the disk of the store's own folder is, in the unit of <see cref="Also"/>. Default 1.</summary>
    public double Speed { get; init; } = 1;

    /// <summary>Shards of a layer's experts.</summary>
    internal int Parts => Also.Count == 0 ? 1 : StorePlacement.Parts;

    /// <summary>Threads that encode, 1 to 1,024; null (the default) for one a core.</summary>
    public int? Threads { get; init; }

    /// <summary>Reports every fault at once.</summary>
    internal void Validate()
    {
        List<string> faults = [];
        foreach (var (name, precision) in new (string, StorePrecision?)[]
        {
            (nameof(Experts), Experts), (nameof(Dense), Dense), (nameof(Attention), Attention), (nameof(LatentUp), LatentUp),
            (nameof(Embedding), Embedding), (nameof(Head), Head), (nameof(Prediction), Prediction),
        })
        {
            if (precision is { } value && !Enum.IsDefined(value))
                faults.Add($"{name} is {value}; it must be a member of {nameof(StorePrecision)}.");
        }

        foreach (var disk in Also ?? [])
        {
            if (string.IsNullOrWhiteSpace(disk.Folder))
                faults.Add($"{nameof(Also)} has a folder without a name; it must be a path.");
            if (!(disk.Speed > 0 && double.IsFinite(disk.Speed)))
                faults.Add(FormattableString.Invariant($"{nameof(Also)} has the speed {disk.Speed}; it must be above 0."));
        }

        if (Also is null)
            faults.Add($"{nameof(Also)} is null; it must be a list, empty for no other disks.");
        if (!(Speed > 0 && double.IsFinite(Speed)))
            faults.Add(FormattableString.Invariant($"{nameof(Speed)} is {Speed}; it must be above 0."));
        if (Threads is < 1 or > 1024)
            faults.Add($"{nameof(Threads)} is {Threads}; it must be 1 to 1024.");
        if (faults.Count > 0)
            throw new ArgumentException($"{nameof(StoreOptions)}: {string.Join(" ", faults)}");
    }
}
