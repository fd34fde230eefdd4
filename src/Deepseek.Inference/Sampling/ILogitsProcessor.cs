namespace Deepseek.Inference.Sampling;

/// <summary>Changes one row of logits before a token is chosen: a temperature, a filter, a penalty, or a user's own rule.</summary>
/// <remarks>
/// A processor keeps no state between calls and may be called from several threads at once: whatever depends on the
/// sequence comes with the context. No processor of this library hides a NaN or a +∞: the filters leave such a row, and one
/// without any token, as it is; penalties and biases keep the value; and the sampler reports it.
/// </remarks>
public interface ILogitsProcessor
{
    /// <summary>Changes the row in place.</summary>
    /// <param name="logits">One logit a token, <c>[vocabulary]</c>; −∞ marks a removed token, and a removed token stays removed.</param>
    /// <param name="context">The tokens so far.</param>
    void Process(Span<float> logits, in SamplingContext context);
}
