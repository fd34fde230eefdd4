namespace Deepseek.Inference.Sampling;

/// <summary>Divides the logits by a temperature: below 1 the better tokens gain, above 1 the worse.</summary>
/// <remarks>
/// Hinton, Vinyals and Dean, arXiv:1503.02531, §2. The row is also moved so that its best logit becomes 0. The soft-max does
/// not see that, and it keeps single precision where it matters: 60 at temperature 0.1 would be 600, where floats are 6e-5
/// apart, and a tiny temperature would overflow. <see cref="RepetitionPenalty"/> does see it, since it asks for the sign,
/// and so belongs before this. Equal logits stay equal and removed tokens removed; 1 leaves the row as it is, as does a
/// row with NaN, +∞ or no token.
/// </remarks>
public sealed class Temperature : ILogitsProcessor
{
    private readonly double _value;

    /// <summary>Creates the strategy.</summary>
    /// <param name="value">What logits are divided by; more than 0.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="value"/> is not a positive finite number.</exception>
    public Temperature(double value) => _value = SettingRange.Divisor.Require(value, nameof(value));

    /// <inheritdoc/>
    public void Process(Span<float> logits, in SamplingContext context)
    {
        var maximum = LogitRow.Maximum(logits);
        if (_value == 1 || !float.IsFinite(maximum))
            return;
        foreach (ref var logit in logits)
            logit = (float)(((double)logit - maximum) / _value);
    }
}
