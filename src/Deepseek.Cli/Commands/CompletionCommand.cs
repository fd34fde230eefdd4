using System.CommandLine;

namespace Deepseek.Cli.Commands;

/// <summary><c>deepseek completion</c>: the script by which a shell completes verbs, options and their values.</summary>
internal static class CompletionCommand
{
    public static Command Create(ToolConsole console)
    {
        string[] names = [.. CompletionScripts.All.Keys];
        var shell = new Argument<string>("SHELL") { Description = $"The shell: {string.Join(", ", names.SkipLast(1))} or {names[^1]}." };
        shell.CompletionSources.Add(names);
        shell.Validators.Add(result =>
        {
            var name = result.Tokens[^1].Value;
            if (!names.Contains(name))
                result.AddError($"The shell is '{name}'; it must be {string.Join(", ", names.SkipLast(1))} or {names[^1]}.");
        });
        var command = new Command("completion", "Prints a script that lets a shell complete verbs, options and values.") { shell };
        command.SetAction(async (parsed, _) =>
        {
            await console.Out.WriteLineAsync(CompletionScripts.All[parsed.GetValue(shell)!]).ConfigureAwait(false);
            return DeepseekTool.Success;
        });
        return command.WithExamples(
            "source <(deepseek completion bash)",
            "deepseek completion fish > ~/.config/fish/completions/deepseek.fish",
            "deepseek completion powershell | Out-String | Invoke-Expression");
    }
}
