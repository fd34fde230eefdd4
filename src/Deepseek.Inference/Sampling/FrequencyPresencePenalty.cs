namespace Deepseek.Inference.Sampling;

/// <summary>Lowers the logit of every generated token: by the frequency penalty for each time it occurred, and once by the presence penalty.</summary>
/// <remarks>
/// The formula of OpenAI's API reference: logit − count · frequency − (count &gt; 0) · presence. It counts the generated
/// tokens, not the prompt's. Negative penalties reward repetition. Equal logits need no rule here; removed tokens stay
/// removed and NaN stays NaN.
/// </remarks>
public sealed class FrequencyPresencePenalty : ILogitsProcessor
{
    private readonly double _frequency;
    private readonly double _presence;

    /// <summary>Creates the strategy.</summary>
    /// <param name="frequency">Subtracted for each occurrence, −2 to 2.</param>
    /// <param name="presence">Subtracted once from every token that occurred, −2 to 2.</param>
    /// <exception cref="ArgumentOutOfRangeException">A penalty is out of range.</exception>
    public FrequencyPresencePenalty(double frequency, double presence)
    {
        _frequency = SettingRange.CountPenalty.Require(frequency, nameof(frequency));
        _presence = SettingRange.CountPenalty.Require(presence, nameof(presence));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The history holds a token that the row has no logit for.</exception>
    public void Process(Span<float> logits, in SamplingContext context)
    {
        if (context.Generated.IsEmpty)
            return;
        using var counts = new Rented<int>(logits.Length);
        counts.Span.Clear();
        foreach (var id in context.Generated)
        {
            LogitRow.RequireToken(id, logits.Length);
            counts.Span[id]++;
        }

        foreach (var id in context.Generated)
        {
            var count = counts.Span[id];
            counts.Span[id] = 0; // a token is met as often as it occurred, and changed the first time
            if (count > 0)
                logits[id] = (float)(logits[id] - (count * _frequency) - _presence);
        }
    }
}
