using Deepseek.Inference.Experts;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Offload;

/// <summary>Every expert in memory, from loading to disposal.</summary>
internal sealed class ResidentExperts : IExpertSource
{
    private readonly Dictionary<ExpertId, FeedForwardWeights> _experts;

    /// <summary>Takes ownership of the weights.</summary>
    public ResidentExperts(Dictionary<ExpertId, FeedForwardWeights> experts) => _experts = experts;

    public ExpertBatch Rent(ReadOnlySpan<ExpertId> experts, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var rented = new (ExpertId, FeedForwardWeights)[experts.Length];
        for (var i = 0; i < experts.Length; i++)
            rented[i] = (experts[i], _experts[experts[i]]);
        return new Batch(rented);
    }

    public void Prefetch(ReadOnlySpan<ExpertId> experts)
    {
        // Everything is in memory already.
    }

    public void Dispose()
    {
        foreach (var expert in _experts.Values)
            expert.Dispose();
    }

    private sealed class Batch((ExpertId, FeedForwardWeights)[] rented) : ExpertBatch
    {
        public override IEnumerable<(ExpertId Id, FeedForwardWeights Weights)> Ready() => rented;

        public override void Dispose()
        {
            // Nothing to unpin.
        }
    }
}
