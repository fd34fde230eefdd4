using System.CommandLine;
using System.CommandLine.Parsing;
using Deepseek.Inference.Configuration;

namespace Deepseek.Cli;

/// <summary>Options with a size in bytes, and with a speed in bytes a second.</summary>
internal static class SizeOption
{
    private const string Second = "/s";

    /// <summary>An option with a size: GB is 10⁹ bytes, GiB 2³⁰.</summary>
    public static Option<long?> Bytes(string name, string description, long minimum = 1)
    {
        var option = new Option<long?>(name) { Description = description, HelpName = "SIZE", Arity = ArgumentArity.ExactlyOne };
        option.CustomParser = result =>
        {
            var text = result.Tokens[^1].Value;
            if (MemorySize.TryParse(text, out var bytes) && bytes >= minimum)
                return bytes;
            return Refuse<long>(result, $"{name} is '{text}'; it must be a size{(minimum > 0 ? " above 0" : "")} such as 64GiB, 24GB or a number of bytes.");
        };
        return option;
    }

    /// <summary>An option with several sizes, one after the other or each with the option's name.</summary>
    public static Option<long[]?> Several(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "SIZE...",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
        CustomParser = result => [.. result.Tokens.Select(token => MemorySize.TryParse(token.Value, out var bytes) ? bytes : Refuse<long>(result, $"{name} is '{token.Value}'; it must be a size such as 64GiB, 24GB or a number of bytes.") ?? 0)],
    };

    /// <summary>An option with a speed, in 10⁹ bytes a second.</summary>
    public static Option<double?> Speed(string name, string description)
    {
        var option = new Option<double?>(name) { Description = description, HelpName = "SPEED", Arity = ArgumentArity.ExactlyOne };
        option.CustomParser = result =>
        {
            var text = result.Tokens[^1].Value;
            var size = text.Trim();
            if (size.EndsWith(Second, StringComparison.OrdinalIgnoreCase) && MemorySize.TryParse(size[..^Second.Length], out var bytes) && bytes > 0)
                return bytes / 1e9;
            return Refuse<double>(result, $"{name} is '{text}'; it must be a speed above 0 with its unit, such as 7GB/s or 900MB/s.");
        };
        return option;
    }

    private static T? Refuse<T>(ArgumentResult result, string message)
        where T : struct
    {
        result.AddError(message);
        return null;
    }
}
