using System.CommandLine;
using Deepseek.Cli.Commands;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Cli;

/// <summary>The tool: its verbs, and what becomes of faults.</summary>
internal static class DeepseekTool
{
    public const int Success = 0;
    public const int Fault = 1;
    public const int WrongUsage = 2;
    public const int Interrupted = 130; // 128 + SIGINT, as shells count

    public static async Task<int> RunAsync(string[] args, ToolConsole console)
    {
        var verbose = new Option<bool>("--verbose") { Description = "Show where a fault arose.", Recursive = true };
        var root = new RootCommand("Runs DeepSeek models on one ordinary PC.")
        {
            verbose,
            ChatCommand.Create(console),
            RunCommand.Create(console),
            InspectCommand.Create(console),
            LogitsCommand.Create(console),
            TokenizeCommand.Create(console),
        };
        HelpExamples.Attach(root);

        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            await console.Error.WriteLineAsync($"error: {Line(string.Join(" ", parsed.Errors.Select(error => error.Message)))} See deepseek {parsed.CommandResult.Command.Name} --help.".Replace("deepseek deepseek", "deepseek", StringComparison.Ordinal)).ConfigureAwait(false);
            return WrongUsage;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { Output = console.Out, Error = console.Error, EnableDefaultExceptionHandler = false }).ConfigureAwait(false);
        }
        catch (UsageException e)
        {
            await console.Error.WriteLineAsync($"error: {Line(e.Message)}").ConfigureAwait(false);
            return WrongUsage;
        }
        catch (OperationCanceledException)
        {
            await console.Error.WriteLineAsync("error: interrupted.").ConfigureAwait(false);
            return Interrupted;
        }
        catch (Exception e) when (e is DeepseekException or ArgumentException or InvalidOperationException or IOException or UnauthorizedAccessException or OutOfMemoryException)
        {
            await console.Error.WriteLineAsync($"error: {(parsed.GetValue(verbose) ? e.ToString() : Line(e.Message))}").ConfigureAwait(false);
            return Fault;
        }
    }

    /// <summary>One line, whatever the message holds.</summary>
    private static string Line(string message) => string.Join(' ', message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
