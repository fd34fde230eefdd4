namespace Deepseek.Inference.Evaluation;

/// <summary>Sums over one row of logits, in double precision.</summary>
internal static class LogitRow
{
    /// <summary>ln Σ exp(logit), with the largest taken out first.</summary>
    public static double LogSumExp(ReadOnlySpan<float> logits)
    {
        var largest = Largest(logits);
        var sum = 0.0;
        foreach (var logit in logits)
            sum += Math.Exp(logit - largest);
        return largest + Math.Log(sum);
    }

    /// <summary>How little a token was foreseen: its negative log-probability, in nats.</summary>
    public static double Loss(ReadOnlySpan<float> logits, int id) => LogSumExp(logits) - logits[id];

    /// <summary>The place of the largest logit; of equal ones the first.</summary>
    public static int Best(ReadOnlySpan<float> logits) => logits.IndexOf(Largest(logits));

    /// <summary>Σ p (ln p − ln q): how much is lost by taking q's logits for p's, in nats.</summary>
    public static double Divergence(ReadOnlySpan<float> p, ReadOnlySpan<float> q)
    {
        var (normaliserP, normaliserQ) = (LogSumExp(p), LogSumExp(q));
        var sum = 0.0;
        for (var i = 0; i < p.Length; i++)
        {
            var logarithm = p[i] - normaliserP;
            sum += Math.Exp(logarithm) * (logarithm - (q[i] - normaliserQ));
        }

        return Math.Max(0, sum); // rounding may leave a negative trace where both are equal
    }

    private static float Largest(ReadOnlySpan<float> logits)
    {
        var largest = float.NegativeInfinity;
        foreach (var logit in logits)
            largest = Math.Max(largest, logit);
        return largest;
    }
}
