using System.CommandLine;
using Deepseek.Cli.Commands;
using Deepseek.Cli.Terminal;

namespace Deepseek.Cli;

/// <summary>The tool: its verbs, and what becomes of faults.</summary>
internal static class DeepseekTool
{
    public const int Success = 0;
    public const int Fault = 1;
    public const int WrongUsage = 2;
    public const int Interrupted = 130; // 128 + SIGINT, as shells count
    public const int Terminated = 143; // 128 + SIGTERM

    // A prompt may begin with @, and with several letters behind a hyphen: neither means anything here.
    private static readonly ParserConfiguration Parsing = new() { ResponseFileTokenReplacer = null, EnablePosixBundling = false };

    /// <summary>Runs one command line; every fault becomes a line on standard error and an exit code.</summary>
    public static async Task<int> RunAsync(string[] args, ToolConsole console)
    {
        var verbose = new Option<bool>("--verbose") { Description = "Show where a fault arose.", Recursive = true };
        var root = new RootCommand("Runs DeepSeek models on one ordinary PC. Exit codes: 0 done, 1 a fault, 2 wrong usage (nothing was opened), 130 interrupted.")
        {
            verbose,
            ChatCommand.Create(console),
            RunCommand.Create(console),
            ServeCommand.Create(console),
            InspectCommand.Create(console),
            ConvertCommand.Create(console),
            VerifyCommand.Create(console),
            SynthesizeCommand.Create(console),
            LogitsCommand.Create(console),
            TokenizeCommand.Create(console),
            PerplexityCommand.Create(console),
            CompareCommand.Create(console),
            BenchCommand.Create(console),
            PlanCommand.Create(console),
            SimulateCommand.Create(console),
            CompletionCommand.Create(console),
        };
        HelpExamples.Attach(root);

        var parsed = root.Parse(args, Parsing);
        try
        {
            if (parsed.Errors.Count > 0)
                throw new UsageException(Describe(parsed));
            var invocation = new InvocationConfiguration { Output = console.Out, Error = console.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await parsed.InvokeAsync(invocation, console.Interrupts.Token).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // whatever went wrong, whoever called the tool gets a line and an exit code
        catch (Exception fault)
#pragma warning restore CA1031
        {
            var report = FaultReport.Of(fault, console.Interrupts);
            if (report.Message is { } message)
                await console.Error.WriteLineAsync(parsed.GetValue(verbose) ? $"error: {fault}" : $"error: {PrintableText.Line(message)}").ConfigureAwait(false);
            return report.ExitCode;
        }
    }

    private static string Describe(ParseResult parsed)
    {
        var verb = parsed.CommandResult.Command is RootCommand ? "" : $" {parsed.CommandResult.Command.Name}";
        return $"{string.Join(" ", parsed.Errors.Select(error => error.Message).Distinct())} See deepseek{verb} --help.";
    }
}
