using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Experts;

/// <summary>Pinned experts, handed out in the order in which they become ready.</summary>
/// <remarks>Enumerate once, on one thread; the weights are valid until the batch is disposed.</remarks>
internal abstract class ExpertBatch : IDisposable
{
    /// <summary>The experts with their weights; the enumeration waits for those that are not there yet.</summary>
    public abstract IEnumerable<(ExpertId Id, FeedForwardWeights Weights)> Ready();

    /// <inheritdoc />
    public abstract void Dispose();
}
