using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Experts;

/// <summary>Pinned experts, handed out in the order in which they become ready.</summary>
/// <remarks>Used on one thread; the weights are valid until the batch is disposed.</remarks>
internal abstract class ExpertBatch : IDisposable
{
    /// <summary>The weights of the i-th rented expert, once <see cref="Take"/> has named it.</summary>
    public abstract FeedForwardWeights this[int index] { get; }

    /// <summary>Names experts that are ready and have not been named yet; waits until there is one. 0 when all have been named.</summary>
    /// <param name="indices">Receives places in the order of the renting; as long as the renting.</param>
    public abstract int Take(Span<int> indices);

    /// <inheritdoc />
    public abstract void Dispose();
}
