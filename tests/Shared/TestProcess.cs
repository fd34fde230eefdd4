using System.Diagnostics;
using System.Reflection;

namespace Deepseek.Inference.Tests;

/// <summary>Tests that run in a process of their own.</summary>
internal static class TestProcess
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>Runs some tests of an assembly; fails with what they print if they fail.</summary>
    /// <param name="tests">The assembly.</param>
    /// <param name="environment">Variables that the process gets beside this one's.</param>
    /// <param name="args">What the test runner is told.</param>
    public static async Task PassAsync(Assembly tests, IReadOnlyDictionary<string, string> environment, params string[] args)
    {
        var (exitCode, output, errors) = await RunAsync(tests.Location, environment, args);
        Assert.True(exitCode == 0, $"{tests.Location} {string.Join(' ', args)} ended with {exitCode}:\n{output}{errors}");
    }

    /// <summary>Runs some tests of an assembly, in its folder.</summary>
    /// <param name="tests">The assembly's file.</param>
    /// <param name="environment">Variables that the process gets beside this one's.</param>
    /// <param name="args">What the test runner is told.</param>
    /// <returns>The exit code, and what was printed.</returns>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(string tests, IReadOnlyDictionary<string, string> environment, params string[] args)
    {
        ProcessStartInfo start = new(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [tests, .. args, "--progress", "off"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetDirectoryName(tests)!,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(patience.Token), process.StandardError.ReadToEndAsync(patience.Token));
        try
        {
            await process.WaitForExitAsync(patience.Token);
            return (process.ExitCode, await output, await errors);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }
}
