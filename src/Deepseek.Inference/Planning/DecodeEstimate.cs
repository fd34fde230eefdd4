namespace Deepseek.Inference.Planning;

/// <summary>How routing uses experts, as far as a forecast supposes.</summary>
public enum RoutingAssumption
{
    /// <summary>All experts equally often: hits are the share of experts that lie in memory, whatever the policy.</summary>
    Uniform,

    /// <summary>Some more often than others, so that a fifth of the experts answers 60 % of the choices, and a share s answers s^0.317: a Zipf law with an exponent of 0.68.</summary>
    Skewed,

    /// <summary>As somebody knows or supposes: <see cref="PlanOptions.HitRate"/>.</summary>
    Given,
}

/// <summary>What a decoded token takes, and so how many there are in a second.</summary>
/// <remarks>
/// Expected: of a layer, experts are computed while others are read, in the order in which they arrive, so that the last one alone is computed after the disk is done; nothing else overlaps. Tokens a second are null where experts
/// are missing and the disk's speed is not known.
/// </remarks>
public sealed record DecodeEstimate
{
    /// <summary>What was supposed about routing.</summary>
    public required RoutingAssumption Routing { get; init; }

    /// <summary>The share of the chosen experts that are in memory.</summary>
    public required double HitRate { get; init; }

    /// <summary>Earlier tokens that attention sees.</summary>
    public required int Depth { get; init; }

    /// <summary>Seconds for the weights that every token uses.</summary>
    public required double AlwaysSeconds { get; init; }

    /// <summary>Seconds for attention over the cache.</summary>
    public required double AttentionSeconds { get; init; }

    /// <summary>Seconds for the chosen experts that are in memory, with their way to where they are computed.</summary>
    public required double PresentSeconds { get; init; }

    /// <summary>Seconds for computing the chosen experts that were missing, with their way to where they are computed.</summary>
    public required double MissingSeconds { get; init; }

    /// <summary>The part of <see cref="MissingSeconds"/> for the last expert of every layer that misses one.</summary>
    public required double LastSeconds { get; init; }

    /// <summary>Bytes that are read from the disk.</summary>
    public required double MissedBytes { get; init; }

    /// <summary>Seconds for reading them; null where the disk's speed is not known.</summary>
    public required double? DiskSeconds { get; init; }

    /// <summary>The link's part of <see cref="PresentSeconds"/> and <see cref="MissingSeconds"/>.</summary>
    public required double LinkSeconds { get; init; }

    /// <summary>Where nothing overlaps and memory, link and disk run at the full speeds of the machine's description, without attention's arithmetic: bytes over bandwidths.</summary>
    public required double? BoundTokensPerSecond { get; init; }

    /// <summary>Where nothing overlaps.</summary>
    public double? SerialTokensPerSecond => 1 / (ComputeSeconds + DiskSeconds);

    /// <summary>Where a layer's experts are computed while others of it are read.</summary>
    public double? ExpectedTokensPerSecond => DiskSeconds is { } disk ? 1 / (AlwaysSeconds + AttentionSeconds + Math.Max(disk + LastSeconds, PresentSeconds + MissingSeconds)) : null;

    /// <summary>Where all reading and all computing overlap, as if the next layers' experts were known.</summary>
    public double? OverlappedTokensPerSecond => DiskSeconds is { } disk ? 1 / Math.Max(disk, ComputeSeconds) : null;

    /// <summary>What takes the most time: disk, link, attention or memory.</summary>
    public string Bound
    {
        get
        {
            var memory = ComputeSeconds - AttentionSeconds - LinkSeconds;
            (string What, double Seconds)[] parts = [("disk", DiskSeconds ?? (MissedBytes > 0 ? double.PositiveInfinity : 0)), ("link", LinkSeconds), ("attention", AttentionSeconds), ("memory", memory)];
            return parts.MaxBy(part => part.Seconds).What;
        }
    }

    private double ComputeSeconds => AlwaysSeconds + AttentionSeconds + PresentSeconds + MissingSeconds;
}

/// <summary>What the prefill of a prompt takes.</summary>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="Warm">Whether the slots are full when it begins; else every expert is read.</param>
/// <param name="ComputeSeconds">Arithmetic, or the passage of the weights where that takes longer.</param>
/// <param name="ReadBytes">Bytes that are read from the disk: every expert that the prompt touches and that is not in memory, once a chunk.</param>
/// <param name="DiskSeconds">Seconds for them; null where the disk's speed is not known.</param>
/// <param name="LinkSeconds">Seconds for experts on their way to the graphics card.</param>
public sealed record PrefillEstimate(int PromptTokens, bool Warm, double ComputeSeconds, double ReadBytes, double? DiskSeconds, double LinkSeconds)
{
    /// <summary>Tokens a second where nothing overlaps.</summary>
    public double? SerialTokensPerSecond => PromptTokens / (ComputeSeconds + LinkSeconds + DiskSeconds);

    /// <summary>Tokens a second where a layer's experts are read while others are computed.</summary>
    public double? OverlappedTokensPerSecond => DiskSeconds is { } disk ? PromptTokens / Math.Max(disk, Math.Max(LinkSeconds, ComputeSeconds)) : null;

    /// <summary>What takes the most time: disk, link or arithmetic.</summary>
    public string Bound => (DiskSeconds ?? (ReadBytes > 0 ? double.PositiveInfinity : 0)) >= Math.Max(ComputeSeconds, LinkSeconds) ? "disk" : LinkSeconds > ComputeSeconds ? "link" : "arithmetic";
}
