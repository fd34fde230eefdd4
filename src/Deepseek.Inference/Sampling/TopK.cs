namespace Deepseek.Inference.Sampling;

/// <summary>Keeps the k best tokens and removes the rest.</summary>
/// <remarks>
/// Fan, Lewis and Dauphin, arXiv:1805.04833, §5. Exactly k tokens stay (all of them, if there are fewer): among equal
/// logits the lower ids, where Hugging Face would keep every token that ties with the k-th. A row with NaN, +∞ or no
/// token is left as it is.
/// </remarks>
public sealed class TopK : ILogitsProcessor
{
    private readonly int _count;

    /// <summary>Creates the strategy.</summary>
    /// <param name="count">How many tokens to keep; 1 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is less than 1.</exception>
    public TopK(int count) => _count = (int)SettingRange.Count.Require(count, nameof(count));

    /// <inheritdoc/>
    public void Process(Span<float> logits, in SamplingContext context)
    {
        if (_count >= logits.Length || !float.IsFinite(LogitRow.Maximum(logits)))
            return;
        using var heap = new Rented<ulong>(_count);
        var kept = BestTokens.Select(logits, heap.Span);
        if (kept < _count)
            return;

        var last = RankedToken.Id(heap.Span[0]); // the worst of the tokens that stay
        var threshold = logits[last];
        for (var id = 0; id < logits.Length; id++)
        {
            if (logits[id] < threshold || (logits[id] == threshold && id > last))
                logits[id] = float.NegativeInfinity;
        }
    }
}
