using System.Globalization;

namespace Deepseek.Inference.Sampling;

/// <summary>The values that a sampling setting may take, stated once for the strategies, the options and the model's defaults.</summary>
/// <param name="Low">The least value.</param>
/// <param name="LowAllowed">Whether <paramref name="Low"/> itself is allowed.</param>
/// <param name="High">The greatest value, itself allowed.</param>
/// <param name="Rule">The range in words, and the reason.</param>
internal sealed record SettingRange(double Low, bool LowAllowed, double High, string Rule)
{
    public static readonly SettingRange Temperature = new(0, true, double.MaxValue, "0 or more and finite, since logits are divided by it; 0 always takes the best token");
    public static readonly SettingRange Divisor = new(0, false, double.MaxValue, "more than 0 and finite, since logits are divided by it; always taking the best token is GreedySampler");
    public static readonly SettingRange TopK = new(0, true, int.MaxValue, "0 or more, since it counts tokens; 0 turns it off");
    public static readonly SettingRange Count = new(1, true, int.MaxValue, "1 or more, since it counts the tokens to keep");
    public static readonly SettingRange TopP = new(0, true, 1, "0 to 1, since it is a share of the probability; 1 turns it off");
    public static readonly SettingRange MinP = new(0, true, 1, "0 to 1, since it is a share of the best token's probability; 0 turns it off");
    public static readonly SettingRange TypicalP = new(0, false, 1, "more than 0 and at most 1, since it is a share of the probability; 1 turns it off");
    public static readonly SettingRange RepetitionPenalty = new(0, false, double.MaxValue, "more than 0 and finite, since logits are divided and multiplied by it; 1 turns it off");
    public static readonly SettingRange CountPenalty = new(-2, true, 2, "-2 to 2, the range of OpenAI's API; 0 turns it off");

    /// <summary>What is wrong with a value, as a sentence; null if nothing is.</summary>
    public string? Fault(string name, double value) =>
        value <= High && (LowAllowed ? value >= Low : value > Low) ? null : string.Create(CultureInfo.InvariantCulture, $"{name} is {value}; it must be {Rule}.");

    /// <summary>Refuses a constructor's argument that is out of range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is.</exception>
    public double Require(double value, string parameter) =>
        Fault(parameter, value) is { } fault ? throw new ArgumentOutOfRangeException(parameter, value, fault) : value;
}
