namespace Deepseek.Inference.Sampling;

/// <summary>Makes every token of the prompt and of the text so far less likely: positive logits are divided by the penalty, the others multiplied.</summary>
/// <remarks>
/// Keskar et al., CTRL, arXiv:1909.05858, §4.1; that negative logits are multiplied is Hugging Face's reading of it
/// (RepetitionPenaltyLogitsProcessor), as is taking the prompt in. A token counts once, however often it occurred. Below
/// 1 repetition is rewarded. Equal logits need no rule here; removed tokens stay removed and NaN stays NaN.
/// </remarks>
public sealed class RepetitionPenalty : ILogitsProcessor
{
    private readonly double _penalty;

    /// <summary>Creates the strategy.</summary>
    /// <param name="penalty">The factor, more than 0; 1 changes nothing.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="penalty"/> is not a positive finite number.</exception>
    public RepetitionPenalty(double penalty) => _penalty = SettingRange.RepetitionPenalty.Require(penalty, nameof(penalty));

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The history holds a token that the row has no logit for.</exception>
    public void Process(Span<float> logits, in SamplingContext context)
    {
        using var seen = new Rented<ulong>((logits.Length + 63) / 64); // one bit a token
        seen.Span.Clear();
        Apply(logits, context.Prompt, seen.Span);
        Apply(logits, context.Generated, seen.Span);
    }

    private void Apply(Span<float> logits, ReadOnlySpan<int> history, Span<ulong> seen)
    {
        foreach (var id in history)
        {
            LogitRow.RequireToken(id, logits.Length);
            var bit = 1UL << (id & 63);
            if ((seen[id >> 6] & bit) != 0)
                continue;
            seen[id >> 6] |= bit;
            logits[id] = (float)(logits[id] < 0 ? logits[id] * _penalty : logits[id] / _penalty);
        }
    }
}
