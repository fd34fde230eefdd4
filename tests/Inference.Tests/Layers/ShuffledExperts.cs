using Deepseek.Inference.Experts;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Tests.Layers;

/// <summary>Hands experts out in an order of its own, as paging does, and counts the batches that are open.</summary>
internal sealed class ShuffledExperts(FeedForwardWeights[] weights, Random? random) : IExpertSource
{
    public FeedForwardWeights[] Weights => weights;

    public int Open { get; private set; }

    public int Batches { get; private set; }

    public ExpertId[] Rented { get; private set; } = [];

    /// <summary>Experts handed out before reading fails.</summary>
    public int FailAfter { get; init; } = int.MaxValue;

    /// <summary>Called after every expert that was handed out.</summary>
    public Action? Handed { get; init; }

    public ExpertBatch Rent(ReadOnlySpan<ExpertId> experts, CancellationToken cancellationToken)
    {
        Rented = experts.ToArray();
        var order = experts.ToArray();
        random?.Shuffle(order);
        Open++;
        Batches++;
        return new Batch(this, order, cancellationToken);
    }

    public void Prefetch(ReadOnlySpan<ExpertId> experts)
    {
    }

    public void Dispose()
    {
    }

    private sealed class Batch(ShuffledExperts owner, ExpertId[] order, CancellationToken cancellationToken) : ExpertBatch
    {
        public override IEnumerable<(ExpertId Id, FeedForwardWeights Weights)> Ready()
        {
            for (var i = 0; i < order.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (i == owner.FailAfter)
                    throw new IOException("The disk failed.");
                yield return (order[i], owner.Weights[order[i].Index]);
                owner.Handed?.Invoke();
            }
        }

        public override void Dispose() => owner.Open--;
    }
}
