namespace Deepseek.Inference.Quantization;

/// <summary>How the scale of an NF4 block is found.</summary>
public enum Nf4Mode
{
    /// <summary>The scale that leaves the least squared error; the same format and bits as <see cref="Reference"/>, and never worse on any block.</summary>
    Searched,

    /// <summary>The largest magnitude of the block: bit for bit what bitsandbytes makes.</summary>
    Reference,
}

/// <summary>How weights become NF4.</summary>
public sealed record Nf4Options
{
    /// <summary>Weights that share a scale, a multiple of 16. Default 64.</summary>
    public int BlockSize { get; init; } = 64;

    /// <summary>Whether scales are quantized in turn, to 8 bits in groups of 256: 4.127 bits a weight instead of 4.5. Default true.</summary>
    public bool DoubleQuantization { get; init; } = true;

    /// <summary>How scales are found. Default <see cref="Nf4Mode.Searched"/>.</summary>
    public Nf4Mode Mode { get; init; }

    /// <summary>
    /// How much the square of a weight's error counts, by its column: the mean square of the activations that meet the column. Empty (the default) for all alike; used by
    /// <see cref="Nf4Mode.Searched"/> alone.
    /// </summary>
    public ReadOnlyMemory<float> ColumnImportance { get; init; }

    /// <summary>The importance of consecutive weights of the flattened tensor; empty where all count alike.</summary>
    /// <param name="first">The first weight.</param>
    /// <param name="scratch">Room for the result, where it is not empty.</param>
    /// <param name="count">How many weights.</param>
    internal ReadOnlySpan<float> Importance(long first, Span<float> scratch, int count)
    {
        var columns = ColumnImportance.Span;
        if (columns.IsEmpty)
            return [];
        for (var i = 0; i < count; i++)
            scratch[i] = columns[(int)((first + i) % columns.Length)];
        return scratch[..count];
    }

    /// <summary>Reports every fault at once.</summary>
    internal void Validate(IReadOnlyList<long> shape)
    {
        List<string> faults = [];
        if (BlockSize <= 0 || BlockSize % 16 != 0)
            faults.Add($"{nameof(BlockSize)} is {BlockSize}; it must be a positive multiple of 16.");
        if (!Enum.IsDefined(Mode))
            faults.Add($"{nameof(Mode)} is {Mode}; it must be Searched or Reference.");
        if (!ColumnImportance.IsEmpty && (shape.Count == 0 || ColumnImportance.Length != shape[^1]))
            faults.Add($"{nameof(ColumnImportance)} has {ColumnImportance.Length} elements; it must have {(shape.Count == 0 ? 0 : shape[^1])}, one for every column.");
        var span = ColumnImportance.Span;
        for (var i = 0; i < span.Length; i++)
        {
            if (span[i] >= 0 && float.IsFinite(span[i]))
                continue;
            faults.Add(FormattableString.Invariant($"{nameof(ColumnImportance)}[{i}] is {span[i]}; it must be finite and 0 or more."));
            break;
        }

        if (faults.Count > 0)
            throw new ArgumentException($"{nameof(Nf4Options)}: {string.Join(" ", faults)}");
    }
}
