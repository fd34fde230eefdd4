namespace Deepseek.Inference.Quantization;

/// <summary>The three matrices of a gated feed-forward: an expert, shared experts, or a dense layer.</summary>
/// <param name="Gate">[I, D].</param>
/// <param name="Up">[I, D].</param>
/// <param name="Down">[D, I].</param>
internal sealed record FeedForwardWeights(WeightMatrix Gate, WeightMatrix Up, WeightMatrix Down) : IDisposable
{
    /// <summary>Bytes of the stored form.</summary>
    public long ByteSize => Gate.ByteSize + Up.ByteSize + Down.ByteSize;

    /// <inheritdoc />
    public void Dispose()
    {
        Gate.Dispose();
        Up.Dispose();
        Down.Dispose();
    }
}
