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
    public int FailAfter { get; set; } = int.MaxValue;

    /// <summary>Called after every expert that was handed out.</summary>
    public Action? Handed { get; set; }

    /// <summary>The hints that came last, in their order.</summary>
    public ExpertId[] Hints { get; private set; } = [];

    public bool TakesHints => true;

    public double Preference => 0;

    public void MarkPresent(int layer, Span<bool> present) => present.Fill(true);

    public ExpertBatch Rent(ReadOnlySpan<ExpertId> experts, ExpertUse use, CancellationToken cancellationToken)
    {
        Rented = experts.ToArray();
        var order = Enumerable.Range(0, experts.Length).ToArray();
        random?.Shuffle(order);
        Open++;
        Batches++;
        return new Batch(this, Rented, order, cancellationToken);
    }

    public void Prefetch(ReadOnlySpan<ExpertId> experts) => Hints = experts.ToArray();

    public void Dispose()
    {
    }

    private sealed class Batch(ShuffledExperts owner, ExpertId[] rented, int[] order, CancellationToken cancellationToken) : ExpertBatch
    {
        private int _next;

        public override FeedForwardWeights this[int index] => owner.Weights[rented[index].Index];

        public override int Take(Span<int> indices)
        {
            if (_next > 0)
                owner.Handed?.Invoke();
            if (_next == order.Length)
                return 0;

            cancellationToken.ThrowIfCancellationRequested();
            if (_next == owner.FailAfter)
                throw new IOException("The disk failed.");
            indices[0] = order[_next++];
            return 1;
        }

        public override void Dispose() => owner.Open--;
    }
}
