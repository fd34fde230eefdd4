namespace Deepseek.Inference.Sampling;

/// <summary>Log-probabilities of a row of logits, for reports beside a generated token.</summary>
public static class LogProbabilities
{
    /// <summary>The log-probability of one token.</summary>
    /// <param name="logits">One logit a token, <c>[vocabulary]</c>.</param>
    /// <param name="id">The token.</param>
    /// <returns>The natural logarithm of the token's soft-max; −∞ for a removed token.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="id"/> lies outside the row.</exception>
    /// <exception cref="InvalidLogitsException">The row holds NaN, +∞ or no token.</exception>
    public static double LogSoftmaxAt(ReadOnlySpan<float> logits, int id)
    {
        if ((uint)id >= (uint)logits.Length)
            throw new ArgumentOutOfRangeException(nameof(id), id, $"id must be 0 to {logits.Length - 1}, since the row has {logits.Length} logits.");
        return Normalize(logits).LogProbability(logits[id]);
    }

    /// <summary>The most probable tokens.</summary>
    /// <param name="logits">One logit a token, <c>[vocabulary]</c>.</param>
    /// <param name="count">How many tokens to list, 0 or more.</param>
    /// <returns>The tokens, most probable first, equal ones by ascending id; fewer than asked for when fewer are left in the row.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is negative.</exception>
    /// <exception cref="InvalidLogitsException">The row holds NaN, +∞ or no token.</exception>
    public static TokenLogProbability[] Top(ReadOnlySpan<float> logits, int count)
    {
        if (count < 0)
            throw new ArgumentOutOfRangeException(nameof(count), count, "count must be 0 or more, since it counts tokens.");
        return Top(logits, count, Normalize(logits));
    }

    /// <summary>The log-probability of one token and the most probable ones, with one pass for what both are measured by.</summary>
    internal static (double Chosen, TokenLogProbability[] Best) Report(ReadOnlySpan<float> logits, int id, int count)
    {
        var normalizer = Normalize(logits);
        return (normalizer.LogProbability(logits[id]), Top(logits, count, normalizer));
    }

    /// <summary>What turns the logits of a row into log-probabilities.</summary>
    /// <exception cref="InvalidLogitsException">The row holds NaN, +∞ or no token.</exception>
    internal static Normalizer Normalize(ReadOnlySpan<float> logits)
    {
        var maximum = LogitRow.RequireMaximum(logits);
        using var weights = new Rented<double>(logits.Length);
        return new Normalizer(maximum, Math.Log(SoftMaxWeights.Compute(logits, maximum, weights.Span)));
    }

    private static TokenLogProbability[] Top(ReadOnlySpan<float> logits, int count, Normalizer normalizer)
    {
        if (count == 0)
            return [];

        using var heap = new Rented<ulong>(Math.Min(count, logits.Length));
        var best = heap.Span[..BestTokens.Select(logits, heap.Span)];
        best.Sort();
        var top = new TokenLogProbability[best.Length];
        for (var i = 0; i < top.Length; i++)
        {
            var id = RankedToken.Id(best[i]);
            top[i] = new TokenLogProbability(id, normalizer.LogProbability(logits[id]));
        }

        return top;
    }

    /// <summary>ln Σ exp(logit) of a row, in two parts: beside a large maximum the logarithm of the sum would be rounded away.</summary>
    /// <param name="Maximum">The greatest logit.</param>
    /// <param name="LogSum">ln Σ exp(logit − maximum).</param>
    internal readonly record struct Normalizer(float Maximum, double LogSum)
    {
        /// <summary>The log-probability of a token of the row.</summary>
        public double LogProbability(float logit) => (double)logit - Maximum - LogSum;
    }
}
