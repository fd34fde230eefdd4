namespace Deepseek.Inference.Sampling;

/// <summary>Locally typical sampling: keeps the fewest tokens whose surprise is nearest to the expected surprise and whose probabilities together reach a mass.</summary>
/// <remarks>
/// Meister et al., arXiv:2202.00666, §4. Tokens are ranked by |−log p − H|, H being the entropy, in single precision; at
/// least one stays, and among equal distances the lower ids. 1 keeps every token. A row with NaN, +∞ or no token is left
/// as it is.
/// </remarks>
public sealed class Typical : ILogitsProcessor
{
    private readonly double _mass;

    /// <summary>Creates the strategy.</summary>
    /// <param name="mass">The probability to reach, more than 0 and at most 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="mass"/> is out of range.</exception>
    public Typical(double mass) => _mass = SettingRange.TypicalP.Require(mass, nameof(mass));

    /// <inheritdoc/>
    public void Process(Span<float> logits, in SamplingContext context)
    {
        var maximum = LogitRow.Maximum(logits);
        if (_mass == 1 || !float.IsFinite(maximum))
            return;
        using var weights = new Rented<double>(logits.Length);
        using var keys = new Rented<ulong>(logits.Length);
        var total = SoftMaxWeights.Compute(logits, maximum, weights.Span);

        // With x = logit − maximum and Z the sum of the weights: −log p = log Z − x and H = log Z − Σ p·x, so that the
        // distance is |Σ p·x − x|. No logarithm is left, hence the same bits on every platform.
        var expected = 0.0;
        for (var id = 0; id < logits.Length; id++)
        {
            if (weights.Span[id] > 0)
                expected += weights.Span[id] * ((double)logits[id] - maximum);
        }

        expected /= total;
        var candidates = 0;
        for (var id = 0; id < logits.Length; id++)
        {
            if (float.IsNegativeInfinity(logits[id]))
                continue;
            var distance = Math.Abs(expected - ((double)logits[id] - maximum));
            keys.Span[candidates++] = RankedToken.Key((float)-distance, id); // the nearest ranks first
        }

        var kept = MassPrefix.Move(keys.Span[..candidates], weights.Span, _mass * total);
        foreach (var key in keys.Span[kept..candidates])
            logits[RankedToken.Id(key)] = float.NegativeInfinity;
    }
}
