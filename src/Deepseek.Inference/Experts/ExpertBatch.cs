using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Experts;

/// <summary>Rented experts, handed out in the order in which they become ready.</summary>
/// <remarks>Used on one thread. There may be more experts than fit memory at once: those that were named last are in memory, the others may have left it.</remarks>
internal abstract class ExpertBatch : IDisposable
{
    /// <summary>The weights of the i-th rented expert; valid from the <see cref="Take"/> that named it until the next one.</summary>
    public abstract FeedForwardWeights this[int index] { get; }

    /// <summary>Names experts that are ready and have not been named yet; waits until there is one. 0 when all have been named. Those named before are done with.</summary>
    /// <param name="indices">Receives places in the order of the renting; as long as the renting.</param>
    public abstract int Take(Span<int> indices);

    /// <inheritdoc />
    public abstract void Dispose();
}
