namespace Deepseek.Inference.Sampling;

/// <summary>Nucleus sampling: keeps the fewest best tokens whose probabilities together reach p.</summary>
/// <remarks>
/// Holtzman et al., arXiv:1904.09751, §3.1. At least one token stays; among equal logits the lower ids stay. 1 keeps
/// every token. A row with NaN, +∞ or no token is left as it is.
/// </remarks>
public sealed class TopP : ILogitsProcessor
{
    private readonly double _share;

    /// <summary>Creates the strategy.</summary>
    /// <param name="share">The probability to reach, 0 to 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="share"/> is not 0 to 1.</exception>
    public TopP(double share) => _share = SettingRange.TopP.Require(share, nameof(share));

    /// <inheritdoc/>
    public void Process(Span<float> logits, in SamplingContext context)
    {
        var maximum = LogitRow.Maximum(logits);
        if (_share == 1 || !float.IsFinite(maximum))
            return;
        using var weights = new Rented<double>(logits.Length);
        using var keys = new Rented<ulong>(logits.Length);
        var total = SoftMaxWeights.Compute(logits, maximum, weights.Span);

        // Tokens that weigh less than (1 − p)·total / V weigh less than (1 − p)·total together: the others reach p without
        // them. Half of that leaves room for rounding, and still spares the selection all but some thousands of tokens.
        var negligible = (1 - _share) * total / (2.0 * logits.Length);
        var candidates = 0;
        for (var id = 0; id < logits.Length; id++)
        {
            if (weights.Span[id] >= negligible && !float.IsNegativeInfinity(logits[id]))
                keys.Span[candidates++] = RankedToken.Key(logits[id], id);
            else
                logits[id] = float.NegativeInfinity;
        }

        var kept = MassPrefix.Move(keys.Span[..candidates], weights.Span, _share * total);
        foreach (var key in keys.Span[kept..candidates])
            logits[RankedToken.Id(key)] = float.NegativeInfinity;
    }
}
