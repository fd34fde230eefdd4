namespace Deepseek.Inference.Caching;

/// <summary>In what precision a cache keeps its values; attention is computed in fp32 from them, unless they are whole numbers.</summary>
public enum CachePrecision
{
    /// <summary>4 bytes a value, nothing is rounded.</summary>
    Float32,

    /// <summary>2 bytes a value, 8 bits of precision.</summary>
    BFloat16,

    /// <summary>2 bytes a value, 11 bits of precision; magnitudes above 65,504 become infinite.</summary>
    Float16,

    /// <summary>
    /// 2 bytes a value, 16 bits: whole numbers with a scale for a token's latent and one for its rotated key. Of latent attention alone, on a CPU. The CPU operations compute with
    /// the whole numbers.
    /// </summary>
    Int16,
}

/// <summary>Limits what a token attends to: the last <paramref name="Recent"/> tokens, itself among them, and the first <paramref name="Sink"/>.</summary>
/// <remarks>
/// Position i sees j ≤ i where i − j &lt; Recent or j &lt; Sink; positions keep their numbers. The first tokens stay visible because soft-max
/// attention parks weight on them (StreamingLLM, arXiv:2309.17453, §3). The cache keeps every token all the same, so that it can be cut back anywhere.
/// </remarks>
/// <param name="Recent">How many of the latest tokens are seen, at least 1.</param>
/// <param name="Sink">How many of the first tokens are seen always, 0 or more.</param>
public sealed record AttentionWindow(int Recent, int Sink = 0);

/// <summary>How a sequence's cache is made.</summary>
public sealed record CacheOptions
{
    /// <summary>
    /// Precision of the values; null (the default) for <see cref="CachePrecision.Int16"/> where a page store with latent attention is computed by the CPU operations, and <see cref="CachePrecision.Float32"/> elsewhere.
    /// </summary>
    public CachePrecision? Precision { get; init; }

    /// <summary>Tokens that the cache may hold, at most the model's positions; null (the default) for all of them. Memory grows with use, not with this.</summary>
    public int? MaxLength { get; init; }

    /// <summary>What a token attends to; null (the default) for everything before it.</summary>
    public AttentionWindow? Window { get; init; }

    /// <summary>Reports every fault at once.</summary>
    internal void Validate(int maxPositions, bool allowsInt16)
    {
        List<string> faults = [];
        if (Precision is { } precision && !Enum.IsDefined(precision))
            faults.Add($"{nameof(Precision)} is {precision}; it must be Float32, BFloat16, Float16 or Int16.");
        else if (Precision == CachePrecision.Int16 && !allowsInt16)
            faults.Add($"{nameof(Precision)} is Int16; whole numbers are kept of latent attention on a CPU alone. Use Float32, BFloat16 or Float16.");
        if (MaxLength is { } length && (length < 1 || length > maxPositions))
            faults.Add($"{nameof(MaxLength)} is {length}; it must be 1 to {maxPositions}, the positions that the model was made for.");
        if (Window is { Recent: < 1 })
            faults.Add($"{nameof(Window)}.{nameof(AttentionWindow.Recent)} is {Window.Recent}; it must be at least 1, since a token sees itself.");
        if (Window is { Sink: < 0 })
            faults.Add($"{nameof(Window)}.{nameof(AttentionWindow.Sink)} is {Window.Sink}; it must be 0 or more.");
        if (faults.Count > 0)
            throw new ArgumentException($"{nameof(CacheOptions)}: {string.Join(" ", faults)}");
    }
}
