using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Layers;

/// <summary>From one token's router logits to its experts and their weights.</summary>
/// <remarks>
/// <para>DeepSeek-V3 report, arXiv:2412.19437, §2.1.2, and deepseek-ai/DeepSeek-V3@9b4e978 inference/model.py (Gate). Dropped groups count −∞, not 0:
/// biased scores may be negative, and 0 would then win.</para>
/// <para>Ties go to the lower expert. NaN ranks highest, as in torch's topk, so that damaged weights show in the result instead of being passed over.
/// Holds scratch memory: one instance a thread.</para>
/// </remarks>
internal sealed class ExpertSelection
{
    private readonly ExpertConfig _config;
    private readonly float[]? _bias;
    private readonly float[] _affinity; // what an expert counts, [E]
    private readonly float[] _rank; // what decides whether it is chosen, [E]
    private readonly float[] _groupRank; // [G]
    private readonly int[] _keptGroups; // [Gk]

    public ExpertSelection(ExpertConfig config, float[]? bias)
    {
        _config = config;
        _bias = bias;
        _affinity = new float[config.RoutedCount];
        _rank = new float[config.RoutedCount];
        _groupRank = new float[config.GroupCount];
        _keptGroups = new int[config.KeptGroups];
    }

    /// <summary>Chooses the experts of one token.</summary>
    /// <param name="logits">[E].</param>
    /// <param name="experts">Receives K expert numbers, ascending.</param>
    /// <param name="weights">Receives their factors, scale included.</param>
    /// <param name="present">Experts in memory, [E]; empty where that is of no account.</param>
    /// <param name="preference">How far choosing leans towards them, as a share of the range of the scores.</param>
    public void Choose(ReadOnlySpan<float> logits, Span<int> experts, Span<float> weights, ReadOnlySpan<bool> present = default, double preference = 0)
    {
        if (_config.Method == RoutingMethod.SigmoidNoAuxiliaryLoss)
            Sigmoid(logits);
        else
            Softmax(logits);

        // The bias decides who is chosen, never how much they count.
        for (var e = 0; e < _rank.Length; e++)
            _rank[e] = Ordered(_bias is null ? _affinity[e] : _affinity[e] + _bias[e]);
        if (_config.GroupCount > 1 && _config.Method != RoutingMethod.SoftmaxGreedy)
            DropGroups();

        if (!present.IsEmpty)
            Prefer(present, (float)preference);
        TakeBest(_rank, experts);
        experts.Sort();
        Weigh(experts, weights);
    }

    private void Sigmoid(ReadOnlySpan<float> logits)
    {
        for (var e = 0; e < logits.Length; e++)
            _affinity[e] = 1 / (1 + MathF.Exp(-logits[e]));
    }

    private void Softmax(ReadOnlySpan<float> logits)
    {
        var max = float.NegativeInfinity;
        foreach (var logit in logits)
            max = MathF.Max(max, logit);

        var sum = 0.0;
        for (var e = 0; e < logits.Length; e++)
            sum += _affinity[e] = MathF.Exp(logits[e] - max);
        for (var e = 0; e < logits.Length; e++)
            _affinity[e] = (float)(_affinity[e] / sum);
    }

    /// <summary>Node limit: only the best groups stay eligible. A group ranks by its two best experts (V3) or its best (V2).</summary>
    private void DropGroups()
    {
        var size = _config.RoutedCount / _config.GroupCount;
        for (var g = 0; g < _groupRank.Length; g++)
        {
            var (first, second) = (float.NegativeInfinity, float.NegativeInfinity);
            foreach (var rank in _rank.AsSpan(g * size, size))
            {
                if (rank > first)
                    (first, second) = (rank, first);
                else if (rank > second)
                    second = rank;
            }

            var pair = _config.Method == RoutingMethod.SigmoidNoAuxiliaryLoss && size > 1;
            _groupRank[g] = Ordered(pair ? first + second : first);
        }

        TakeBest(_groupRank, _keptGroups);
        for (var g = 0; g < _groupRank.Length; g++)
        {
            if (!_keptGroups.AsSpan().Contains(g))
                _rank.AsSpan(g * size, size).Fill(float.NegativeInfinity);
        }
    }

    /// <summary>Raises experts in memory, all by the same; the best expert stays the best (cache-conditional routing, arXiv:2412.00099: what they count is not changed).</summary>
    private void Prefer(ReadOnlySpan<bool> present, float preference)
    {
        var (best, lowest, highest) = (0, float.PositiveInfinity, float.NegativeInfinity);
        for (var e = 0; e < _rank.Length; e++)
        {
            if (float.IsNegativeInfinity(_rank[e]))
                continue; // of a group that was dropped
            if (_rank[e] > highest)
                (best, highest) = (e, _rank[e]);
            lowest = MathF.Min(lowest, _rank[e]);
        }

        for (var e = 0; e < _rank.Length; e++)
        {
            if (present[e])
                _rank[e] += preference * (highest - lowest);
        }

        _rank[best] = float.PositiveInfinity;
    }

    /// <summary>The places of the highest values, highest first, of equal ones the lower first; no value is NaN.</summary>
    private static void TakeBest(ReadOnlySpan<float> values, Span<int> best)
    {
        var (lastValue, lastPlace) = (float.PositiveInfinity, -1);
        foreach (ref var winner in best)
        {
            winner = -1;
            for (var i = 0; i < values.Length; i++)
            {
                // Behind the last winner in this order; so no list of those taken is needed.
                var isLeft = values[i] < lastValue || (values[i] == lastValue && i > lastPlace);
                if (isLeft && (winner < 0 || values[i] > values[winner]))
                    winner = i;
            }

            (lastValue, lastPlace) = (values[winner], winner);
        }
    }

    private static float Ordered(float rank) => float.IsNaN(rank) ? float.PositiveInfinity : rank;

    private void Weigh(ReadOnlySpan<int> experts, Span<float> weights)
    {
        var sum = 0f;
        for (var k = 0; k < experts.Length; k++)
            sum += weights[k] = _affinity[experts[k]];

        var scale = _config.Renormalise ? (float)_config.Scale / (sum + 1e-20f) : (float)_config.Scale;
        foreach (ref var weight in weights)
            weight *= scale;
    }
}
