using System.CommandLine;
using System.Globalization;
using System.Numerics;

namespace Deepseek.Cli;

/// <summary>Options with a number, read the same in every culture; a comma is no decimal point and no separator of thousands.</summary>
internal static class NumberOption
{
    /// <summary>An option with a whole number within a range.</summary>
    public static Option<int?> Whole(string name, string letter, string description, int minimum, int maximum = int.MaxValue, params string[] aliases) =>
        Create(new Option<int?>(name, aliases), letter, description, NumberStyles.AllowLeadingSign, (minimum, maximum), maximum == int.MaxValue
            ? FormattableString.Invariant($"a whole number, {minimum} or more")
            : FormattableString.Invariant($"a whole number, {minimum} to {maximum}"));

    /// <summary>An option with any whole number of 64 bits.</summary>
    public static Option<long?> Whole(string name, string letter, string description) =>
        Create(new Option<long?>(name), letter, description, NumberStyles.AllowLeadingSign, (long.MinValue, long.MaxValue), "a whole number of 64 bits");

    /// <summary>An option with a number, such as 0.5; what it means decides its range.</summary>
    public static Option<double?> Real(string name, string letter, string description, params string[] aliases) =>
        Create(new Option<double?>(name, aliases), letter, description, NumberStyles.Float, (double.MinValue, double.MaxValue), "a number such as 0.5");

    /// <summary>An option with a number within a range.</summary>
    public static Option<double?> Real(string name, string letter, string description, double minimum, double maximum) =>
        Create(new Option<double?>(name), letter, description, NumberStyles.Float, (minimum, maximum), FormattableString.Invariant($"a number, {minimum} to {maximum}"));

    /// <summary>An option with whole numbers within a range, one after the other or each with the option's name.</summary>
    public static Option<int[]?> Several(string name, string letter, string description, int minimum) => new(name)
    {
        HelpName = $"{letter}...",
        Description = description,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
        CustomParser = result => [.. result.Tokens.Select(token =>
        {
            if (int.TryParse(token.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= minimum)
                return value;
            result.AddError(FormattableString.Invariant($"{name} is '{token.Value}'; it must be whole numbers, {minimum} or more."));
            return minimum;
        })],
    };

    private static Option<T?> Create<T>(Option<T?> option, string letter, string description, NumberStyles style, (T Minimum, T Maximum) range, string expected)
        where T : struct, INumber<T>
    {
        option.HelpName = letter;
        option.Description = description;
        option.Arity = ArgumentArity.ExactlyOne;
        option.CustomParser = result =>
        {
            var text = result.Tokens[^1].Value;
            if (T.TryParse(text, style, CultureInfo.InvariantCulture, out var value) && value >= range.Minimum && value <= range.Maximum)
                return value;
            result.AddError($"{option.Name} is '{text}'; it must be {expected}.");
            return null;
        };
        return option;
    }
}
