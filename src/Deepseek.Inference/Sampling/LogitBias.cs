using System.Globalization;

namespace Deepseek.Inference.Sampling;

/// <summary>Adds a fixed value to the logits of named tokens; −∞ bans a token.</summary>
/// <remarks>
/// The <c>logit_bias</c> of OpenAI's API, without its limit of ±100. Equal logits need no rule here; removed tokens stay
/// removed and NaN stays NaN.
/// </remarks>
public sealed class LogitBias : ILogitsProcessor
{
    private readonly KeyValuePair<int, float>[] _biases; // ascending by id

    /// <summary>Creates the strategy from a copy of the biases.</summary>
    /// <param name="biases">Token ids and what is added to their logits: finite, or −∞.</param>
    /// <exception cref="ArgumentException">An id is negative or a bias is NaN or +∞; all such entries are named.</exception>
    public LogitBias(IReadOnlyDictionary<int, float> biases)
    {
        ArgumentNullException.ThrowIfNull(biases);
        var faults = Faults(nameof(biases), biases).ToList();
        if (faults.Count > 0)
            throw new ArgumentException(string.Join(" ", faults), nameof(biases));
        _biases = [.. biases.OrderBy(bias => bias.Key)];
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A bias names a token that the row has no logit for.</exception>
    public void Process(Span<float> logits, in SamplingContext context)
    {
        if (_biases.Length > 0 && _biases[^1].Key >= logits.Length)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"A logit bias names token {_biases[^1].Key}; ids must be 0 to {logits.Length - 1}, since the row has {logits.Length} logits."), nameof(logits));
        foreach (var (id, bias) in _biases)
            logits[id] += bias;
    }

    /// <summary>What is wrong with the entries, one sentence each, ascending by id.</summary>
    internal static IEnumerable<string> Faults(string name, IReadOnlyDictionary<int, float> biases)
    {
        foreach (var (id, bias) in biases.OrderBy(bias => bias.Key))
        {
            if (id < 0)
                yield return string.Create(CultureInfo.InvariantCulture, $"{name} names token {id}; ids must be 0 or more.");
            if (float.IsNaN(bias) || float.IsPositiveInfinity(bias))
                yield return string.Create(CultureInfo.InvariantCulture, $"{name}[{id}] is {bias}; it must be finite, or -Infinity to ban the token.");
        }
    }
}
