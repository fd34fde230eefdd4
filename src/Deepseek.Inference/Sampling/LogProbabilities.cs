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
        var (maximum, logSum) = Normalize(logits);
        return (double)logits[id] - maximum - logSum;
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
        var (maximum, logSum) = Normalize(logits);
        if (count == 0)
            return [];

        using var heap = new Rented<ulong>(Math.Min(count, logits.Length));
        var best = heap.Span[..BestTokens.Select(logits, heap.Span)];
        best.Sort();
        var top = new TokenLogProbability[best.Length];
        for (var i = 0; i < top.Length; i++)
        {
            var id = RankedToken.Id(best[i]);
            top[i] = new TokenLogProbability(id, (double)logits[id] - maximum - logSum);
        }

        return top;
    }

    // The maximum and the logarithm of the sum stay apart: beside a large maximum the latter would be rounded away.
    private static (float Maximum, double LogSum) Normalize(ReadOnlySpan<float> logits)
    {
        var maximum = LogitRow.RequireMaximum(logits);
        using var weights = new Rented<double>(logits.Length);
        return (maximum, Math.Log(SoftMaxWeights.Compute(logits, maximum, weights.Span)));
    }
}
