using System.Diagnostics;
using System.Text;

namespace Deepseek.Inference.Docs.Tests.Support;

/// <summary>What a program left behind.</summary>
internal sealed record CommandResult(string Line, int ExitCode, string Output, string Error)
{
    /// <summary>Fails the test with everything that the program said, unless it succeeded.</summary>
    public CommandResult RequireSuccess()
    {
        Assert.True(ExitCode == 0, $"{Line}\nexited with {ExitCode}.\n{Output}\n{Error}");
        return this;
    }
}

/// <summary>Runs programs as a user would.</summary>
internal static class Command
{
    // Two slow cores build the libraries in half a minute; what takes ten times as long hangs.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Runs <c>dotnet</c> with the arguments.</summary>
    public static Task<CommandResult> DotnetAsync(string folder, string input, params string[] arguments) =>
        RunAsync("dotnet", folder, input, arguments);

    /// <summary>Runs a program to its end.</summary>
    /// <param name="program">Its name.</param>
    /// <param name="folder">Where it is started.</param>
    /// <param name="input">Its standard input.</param>
    /// <param name="arguments">Its arguments.</param>
    public static async Task<CommandResult> RunAsync(string program, string folder, string input, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(false),
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        // A build inside a test run must not take the outer build's settings, nor leave servers that hold its pipes open.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";

        using var process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await WriteAsync(process.StandardInput, input);
            await process.WaitForExitAsync(limit.Token);
            return new CommandResult($"{program} {string.Join(' ', arguments)}", process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    private static async Task WriteAsync(StreamWriter writer, string input)
    {
        try
        {
            await writer.WriteAsync(input);
            writer.Close();
        }
        catch (IOException)
        {
            // A program that has ended reads no more; its exit code tells why.
        }
    }
}
