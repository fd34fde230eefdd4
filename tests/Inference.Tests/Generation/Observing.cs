using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Tests.Generation;

/// <summary>Looks at what a processor is told, or acts in its place.</summary>
internal delegate void Look(in SamplingContext context);

/// <summary>A processor that changes nothing.</summary>
internal sealed class Observing(Look look) : ILogitsProcessor
{
    public void Process(Span<float> logits, in SamplingContext context) => look(context);
}
