using System.CommandLine;
using System.CommandLine.Parsing;
using Deepseek.Inference.Configuration;

namespace Deepseek.Cli;

/// <summary>Options with sizes of memory, such as 64GiB.</summary>
internal static class SizeOption
{
    /// <summary>An option with one size.</summary>
    public static Option<long?> One(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = result => Parse(name, result.Tokens[^1].Value, result),
    };

    /// <summary>An option with several sizes, one after the other or each with the option's name.</summary>
    public static Option<long[]?> Several(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "SIZE...",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
        CustomParser = result => [.. result.Tokens.Select(token => Parse(name, token.Value, result) ?? 0)],
    };

    private static long? Parse(string name, string text, ArgumentResult result)
    {
        if (MemorySize.TryParse(text, out var bytes))
            return bytes;
        result.AddError($"{name} is '{text}'; it must be a size such as 18.7GiB, 24GB, 512MiB or a number of bytes.");
        return null;
    }
}
