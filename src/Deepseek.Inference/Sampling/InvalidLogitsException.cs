using System.Globalization;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Sampling;

/// <summary>A row of logits from which no token can be chosen: it holds NaN or +∞, or every token was removed.</summary>
public sealed class InvalidLogitsException : DeepseekException
{
    private InvalidLogitsException(string message, int? token)
        : base(message) => Token = token;

    /// <summary>The first token whose logit is NaN or +∞; null when every token was removed.</summary>
    public int? Token { get; }

    /// <summary>Describes what is wrong with a row whose greatest logit is not finite.</summary>
    internal static InvalidLogitsException For(ReadOnlySpan<float> logits)
    {
        for (var id = 0; id < logits.Length; id++)
        {
            if (float.IsNaN(logits[id]) || float.IsPositiveInfinity(logits[id]))
            {
                var value = float.IsNaN(logits[id]) ? "NaN" : "+∞";
                return new InvalidLogitsException(
                    string.Create(CultureInfo.InvariantCulture, $"The logit of token {id} is {value}; it must be finite, or −∞ for a removed token. Damaged weights, an overflow or a logits processor can be the cause."), id);
            }
        }

        return new InvalidLogitsException(
            string.Create(CultureInfo.InvariantCulture, $"All {logits.Length} tokens are removed (−∞), so none can be chosen; at least one must be left. Check the logit biases and the added logits processors."), null);
    }
}
