namespace Deepseek.Inference.Configuration;

/// <summary>How much memory a model may take. No answer depends on it, only speed.</summary>
/// <remarks>
/// What every token uses is placed first, then a cache for the context, then as many experts as fit; the others are read from the disk when a token demands them. Only a page store can be paged: a checkpoint needs memory for
/// all of it.
/// </remarks>
/// <example>
/// <code>
/// var options = new ModelOptions { Memory = MemoryBudget.Parse("18.7GiB") };
/// </code>
/// </example>
public sealed record MemoryBudget
{
    /// <summary>Bytes of memory for the whole process, the runtime and libtorch included; null (the default) for what the machine has free, within a container's limits.</summary>
    public long? RamBytes { get; init; }

    /// <summary>Bytes of a device's memory; null (the default) for what it has free. Of no account on a CPU.</summary>
    public long? VramBytes { get; init; }

    /// <summary>Tokens of a context for which memory is set aside, 1 or more; null (the default) for 4,096, or the model's positions where those are fewer. Longer contexts take memory beyond the budget.</summary>
    public int? ContextTokens { get; init; }

    /// <summary>A budget from sizes as people write them.</summary>
    /// <param name="ram">Memory, such as <c>18.7GiB</c>; null for what is free.</param>
    /// <param name="vram">A device's memory; null for what it has free.</param>
    /// <exception cref="FormatException">A text is no size.</exception>
    public static MemoryBudget Parse(string? ram, string? vram = null) => new()
    {
        RamBytes = ram is null ? null : MemorySize.Parse(ram),
        VramBytes = vram is null ? null : MemorySize.Parse(vram),
    };

    /// <summary>Adds what is at fault.</summary>
    internal void Validate(List<string> faults)
    {
        if (RamBytes is <= 0)
            faults.Add(FormattableString.Invariant($"{nameof(RamBytes)} is {RamBytes}; it must be 1 or more bytes, or null for what is free."));
        if (VramBytes is <= 0)
            faults.Add(FormattableString.Invariant($"{nameof(VramBytes)} is {VramBytes}; it must be 1 or more bytes, or null for what is free."));
        if (ContextTokens is <= 0)
            faults.Add(FormattableString.Invariant($"{nameof(ContextTokens)} is {ContextTokens}; it must be 1 or more tokens, or null for the default."));
    }
}
