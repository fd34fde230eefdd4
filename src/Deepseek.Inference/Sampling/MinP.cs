namespace Deepseek.Inference.Sampling;

/// <summary>Removes every token less probable than a share of the best token's probability.</summary>
/// <remarks>
/// Nguyen et al., arXiv:2407.01082. The ratio of two probabilities is e to the difference of their logits, so the row
/// needs no soft-max. A token exactly at the limit stays, and so do all that tie with the best. A row with NaN, +∞ or no
/// token is left as it is.
/// </remarks>
public sealed class MinP : ILogitsProcessor
{
    private readonly double _lowest; // ln of the share: how far below the best logit a token may lie

    /// <summary>Creates the strategy.</summary>
    /// <param name="share">The least share of the best token's probability, 0 to 1; 0 removes nothing.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="share"/> is not 0 to 1.</exception>
    public MinP(double share) => _lowest = Math.Log(SettingRange.MinP.Require(share, nameof(share)));

    /// <inheritdoc/>
    public void Process(Span<float> logits, in SamplingContext context)
    {
        var maximum = LogitRow.Maximum(logits);
        if (!float.IsFinite(maximum))
            return;
        foreach (ref var logit in logits)
        {
            if ((double)logit - maximum < _lowest)
                logit = float.NegativeInfinity;
        }
    }
}
