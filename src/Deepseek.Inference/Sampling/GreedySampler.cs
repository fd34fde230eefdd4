namespace Deepseek.Inference.Sampling;

/// <summary>Always takes the token of the greatest logit; among equal ones the lowest id.</summary>
public sealed class GreedySampler : ISampler
{
    /// <inheritdoc/>
    public int Sample(ReadOnlySpan<float> logits, ref SamplingRandom random)
    {
        var maximum = LogitRow.RequireMaximum(logits);
        var id = 0;
        while (logits[id] != maximum) // by ==, so that −0 ties with +0
            id++;
        return id;
    }

    /// <summary>1 for the token that is taken, 0 for all others.</summary>
    /// <param name="logits">One logit a token, <c>[vocabulary]</c>.</param>
    /// <param name="destination">Receives one probability a token, <c>[vocabulary]</c>.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> has another length than <paramref name="logits"/>.</exception>
    /// <exception cref="InvalidLogitsException">The row holds NaN, +∞ or no token.</exception>
    public void Probabilities(ReadOnlySpan<float> logits, Span<float> destination)
    {
        LogitRow.RequireSameLength(logits, destination);
        var unused = default(SamplingRandom);
        var best = Sample(logits, ref unused);
        destination.Clear();
        destination[best] = 1;
    }
}
