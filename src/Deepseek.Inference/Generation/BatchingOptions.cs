namespace Deepseek.Inference.Generation;

/// <summary>How a <see cref="ContinuousBatcher"/> shares a model out among requests. No setting changes what a request gets, only when.</summary>
public sealed record BatchingOptions
{
    /// <summary>Sequences decoded together at most, 1 to 1,024. Default 8.</summary>
    public int MaxBatch { get; init; } = 8;

    /// <summary>Requests that may wait, 0 to 1,000,000; a further one is refused with <see cref="Diagnostics.QueueFullException"/>. Default 256.</summary>
    public int MaxQueue { get; init; } = 256;

    /// <summary>Sequences beyond <see cref="MaxBatch"/> whose prompts are computed while they wait for a place, 0 to 1,024. Default 2.</summary>
    public int PreparedAhead { get; init; } = 2;

    /// <summary>
    /// Tokens of prompts that pass the model in one step beside sequences that decode, 1 or more; null (the default) for 32, and for all of a prompt where experts are paged, since each pass of a prompt reads most experts from disk.
    /// More finish a prompt earlier and hold the others up longer.
    /// </summary>
    public int? PromptTokens { get; init; }

    /// <summary>
    /// Tokens for which the caches of all sequences may take memory together, those kept for later requests among them, 1 or more (a cache takes memory for 256, then for twice as many each time); a sequence that needs more runs alone. Null (the default) for what the memory budget sets aside
    /// (<see cref="Configuration.MemoryBudget.ContextTokens"/>) where there is one, and else for what an eighth of the free memory holds.
    /// </summary>
    public long? CacheTokens { get; init; }

    /// <summary>Whether caches are kept, so that a request whose prompt begins like an earlier text computes only the rest. Default true.</summary>
    public bool KeepCaches { get; init; } = true;

    /// <summary>Reports every fault at once.</summary>
    /// <exception cref="ArgumentException">A setting is out of range; the message names each one, its value and its range.</exception>
    public void Validate()
    {
        List<string> faults = [];
        if (MaxBatch is < 1 or > 1024)
            faults.Add($"{nameof(MaxBatch)} is {MaxBatch}; it must be 1 to 1024.");
        if (MaxQueue is < 0 or > 1_000_000)
            faults.Add($"{nameof(MaxQueue)} is {MaxQueue}; it must be 0 to 1000000.");
        if (PreparedAhead is < 0 or > 1024)
            faults.Add($"{nameof(PreparedAhead)} is {PreparedAhead}; it must be 0 to 1024.");
        if (PromptTokens < 1)
            faults.Add($"{nameof(PromptTokens)} is {PromptTokens}; it must be at least 1.");
        if (CacheTokens < 1)
            faults.Add($"{nameof(CacheTokens)} is {CacheTokens}; it must be at least 1.");
        if (faults.Count > 0)
            throw new ArgumentException($"{nameof(BatchingOptions)}: {string.Join(" ", faults)}");
    }
}
