namespace Deepseek.Inference.Offload;

/// <summary>Which cache is simulated.</summary>
public sealed record CacheSimulationOptions
{
    /// <summary>Experts that fit into memory; at least those that a token uses in a layer.</summary>
    public required int Slots { get; init; }

    /// <summary>Which expert leaves when another needs its place. Default <see cref="EvictionPolicy.LeastStale"/>, the library's.</summary>
    public EvictionPolicy Eviction { get; init; } = EvictionPolicy.LeastStale;

    /// <summary>Whether every layer has an equal share of the slots. Default false.</summary>
    public bool ShareByLayer { get; init; }

    /// <summary>The part of the slots that the most used experts of the warm-up keep for good, 0 to 0.9. Default 0.</summary>
    public double PinnedShare { get; init; }

    /// <summary>Tokens at the beginning that fill the cache and do not count; fewer than the trace has. Null (the default) for a quarter of them.</summary>
    public int? WarmUpTokens { get; init; }

    /// <summary>
    /// Of the experts that are guessed for the next layer while one computes, the part that is right, 0 to 1; null (the default) for no prefetch. As many are guessed as a token uses; wrong ones are any others. The disk is taken to
    /// keep up, and a guess takes no place of an expert that the last two tokens used.
    /// </summary>
    public double? PrefetchAccuracy { get; init; }

    /// <summary>What the wrong guesses of <see cref="PrefetchAccuracy"/> follow from; any number. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>Tokens of a trace that do not count.</summary>
    internal int WarmUpOf(RoutingTrace trace) => WarmUpTokens ?? trace.Tokens / 4;

    /// <summary>Reports every fault at once.</summary>
    internal void Validate(RoutingTrace trace)
    {
        List<string> faults = [];
        if (Slots < trace.Chosen)
            faults.Add(FormattableString.Invariant($"{nameof(Slots)} is {Slots}; it must be {trace.Chosen} or more, since a token uses so many experts of a layer together."));
        if (!Enum.IsDefined(Eviction))
            faults.Add(FormattableString.Invariant($"{nameof(Eviction)} is {(int)Eviction}; it must be one of {string.Join(", ", Enum.GetNames<EvictionPolicy>())}."));
        if (!(PinnedShare is >= 0 and <= 0.9))
            faults.Add(FormattableString.Invariant($"{nameof(PinnedShare)} is {PinnedShare}; it must be 0 to 0.9."));
        if (trace.Tokens == 0)
            faults.Add("the trace has 0 tokens; it must have 1 or more.");
        else if (WarmUpTokens is { } warmUp && (warmUp < 0 || warmUp >= trace.Tokens))
            faults.Add(FormattableString.Invariant($"{nameof(WarmUpTokens)} is {warmUp}; it must be 0 to {trace.Tokens - 1}, since the trace has {trace.Tokens} tokens."));
        else if (PinnedShare > 0 && WarmUpOf(trace) == 0)
            faults.Add(FormattableString.Invariant($"{nameof(PinnedShare)} is {PinnedShare}; it must be 0 without warm-up tokens, since they tell which experts are used most."));
        if (PrefetchAccuracy is { } accuracy && !(accuracy is >= 0 and <= 1))
            faults.Add(FormattableString.Invariant($"{nameof(PrefetchAccuracy)} is {accuracy}; it must be 0 to 1."));
        if (faults.Count > 0)
            throw new ArgumentException($"{nameof(CacheSimulationOptions)}: {string.Join(" ", faults)}");
    }
}
