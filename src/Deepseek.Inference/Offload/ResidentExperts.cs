using Deepseek.Inference.Experts;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Offload;

/// <summary>Every expert in memory, from loading to disposal.</summary>
internal sealed class ResidentExperts : IExpertSource
{
    private readonly Dictionary<ExpertId, FeedForwardWeights> _experts;
    private readonly Stack<Batch> _idle = new();

    /// <summary>Takes ownership of the weights.</summary>
    public ResidentExperts(Dictionary<ExpertId, FeedForwardWeights> experts) => _experts = experts;

    public bool TakesHints => false;

    public double Preference => 0;

    public void MarkPresent(int layer, Span<bool> present) => present.Fill(true);

    public ExpertBatch Rent(ReadOnlySpan<ExpertId> experts, ExpertUse use, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Batch? batch;
        lock (_idle)
            _ = _idle.TryPop(out batch);
        batch ??= new Batch(this);
        batch.Begin(experts);
        return batch;
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

    /// <summary>Kept and used again: a token's renting allocates nothing.</summary>
    private sealed class Batch(ResidentExperts owner) : ExpertBatch
    {
        private FeedForwardWeights[] _weights = [];
        private int _count;
        private bool _taken;

        public override FeedForwardWeights this[int index] => _weights[index];

        public void Begin(ReadOnlySpan<ExpertId> experts)
        {
            (_count, _taken) = (experts.Length, false);
            if (_weights.Length < _count)
                _weights = new FeedForwardWeights[_count];
            for (var i = 0; i < experts.Length; i++)
                _weights[i] = owner._experts[experts[i]];
        }

        public override int Take(Span<int> indices)
        {
            if (_taken)
                return 0;

            _taken = true;
            for (var i = 0; i < _count; i++)
                indices[i] = i;
            return _count;
        }

        public override void Dispose()
        {
            if (_count < 0)
                return;

            _count = -1;
            lock (owner._idle)
                owner._idle.Push(this);
        }
    }
}
