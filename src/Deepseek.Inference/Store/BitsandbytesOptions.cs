using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Store;

/// <summary>How a checkpoint is written in 4 bits of bitsandbytes.</summary>
public sealed record BitsandbytesOptions
{
    /// <summary>How scales are found. Default <see cref="Nf4Mode.Reference"/>: bit for bit what bitsandbytes writes. <see cref="Nf4Mode.Searched"/> has the same format and less error.</summary>
    public Nf4Mode Mode { get; init; } = Nf4Mode.Reference;

    /// <summary>Bytes of tensors that a file holds at most; a single larger weight has a file of its own. Default 5 GB (10⁹ bytes each).</summary>
    public long MaxShardBytes { get; init; } = 5_000_000_000;

    /// <summary>Reports every fault at once.</summary>
    internal void Validate()
    {
        List<string> faults = [];
        if (!Enum.IsDefined(Mode))
            faults.Add($"{nameof(Mode)} is {Mode}; it must be Searched or Reference.");
        if (MaxShardBytes <= 0)
            faults.Add(FormattableString.Invariant($"{nameof(MaxShardBytes)} is {MaxShardBytes}; it must be positive."));
        if (faults.Count > 0)
            throw new ArgumentException($"{nameof(BitsandbytesOptions)}: {string.Join(" ", faults)}");
    }
}
