using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Evaluation;

/// <summary>How far two next-token distributions are apart.</summary>
internal static class Divergence
{
    /// <summary>Σ p (ln p − ln q), the Kullback-Leibler divergence: how much is lost by taking q's logits for p's, in nats.</summary>
    /// <exception cref="InvalidLogitsException">A row holds NaN, +∞ or no token.</exception>
    public static double Between(ReadOnlySpan<float> p, ReadOnlySpan<float> q)
    {
        var (normalizerP, normalizerQ) = (LogProbabilities.Normalize(p), LogProbabilities.Normalize(q));
        var sum = 0.0;
        for (var i = 0; i < p.Length; i++)
        {
            var logarithm = normalizerP.LogProbability(p[i]);
            sum += Math.Exp(logarithm) * (logarithm - normalizerQ.LogProbability(q[i]));
        }

        return Math.Max(0, sum); // rounding may leave a negative trace where both are equal
    }
}
