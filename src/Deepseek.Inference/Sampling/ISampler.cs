namespace Deepseek.Inference.Sampling;

/// <summary>Chooses one token from a processed row of logits.</summary>
/// <remarks>A sampler keeps no state between calls and may be called from several threads at once.</remarks>
public interface ISampler
{
    /// <summary>Chooses a token.</summary>
    /// <param name="logits">One logit a token, <c>[vocabulary]</c>; −∞ marks a removed token, which is never chosen.</param>
    /// <param name="random">The draws of this step; a sampler takes as many as it needs.</param>
    /// <returns>The token's id, the index of its logit.</returns>
    /// <exception cref="InvalidLogitsException">The row holds NaN, +∞ or no token.</exception>
    int Sample(ReadOnlySpan<float> logits, ref SamplingRandom random);

    /// <summary>The probability with which <see cref="Sample"/> chooses each token; the soft-max of the row unless a sampler says otherwise.</summary>
    /// <param name="logits">One logit a token, <c>[vocabulary]</c>.</param>
    /// <param name="destination">Receives one probability a token, <c>[vocabulary]</c>; 0 for removed tokens.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> has another length than <paramref name="logits"/>.</exception>
    /// <exception cref="InvalidLogitsException">The row holds NaN, +∞ or no token.</exception>
    void Probabilities(ReadOnlySpan<float> logits, Span<float> destination) => SoftMaxWeights.Probabilities(logits, destination);
}
