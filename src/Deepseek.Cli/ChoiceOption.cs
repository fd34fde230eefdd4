using System.CommandLine;

namespace Deepseek.Cli;

/// <summary>Options whose value is one of some words.</summary>
internal static class ChoiceOption
{
    public static Option<string?> Create(string name, string description, IReadOnlyList<string> choices)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = string.Join('|', choices), Arity = ArgumentArity.ExactlyOne };
        option.CompletionSources.Add([.. choices]);
        option.Validators.Add(result =>
        {
            var value = result.Tokens[^1].Value;
            if (!choices.Contains(value))
                result.AddError($"{name} is '{value}'; it must be {string.Join(", ", choices.SkipLast(1))} or {choices[^1]}.");
        });
        return option;
    }
}
