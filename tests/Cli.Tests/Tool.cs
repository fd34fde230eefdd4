using System.Text.Json;

namespace Deepseek.Cli.Tests;

/// <summary>What one command line did.</summary>
internal sealed record ToolResult(int ExitCode, string Out, string Error)
{
    /// <summary>The objects that standard output holds, one a line and nothing else.</summary>
    public IReadOnlyList<JsonElement> Objects => [.. Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line =>
    {
        using var document = JsonDocument.Parse(line);
        return document.RootElement.Clone();
    })];

    public void AssertSuccess()
    {
        Assert.Equal("", Error);
        Assert.Equal(DeepseekTool.Success, ExitCode);
    }

    /// <summary>Nothing on standard output, one line on standard error that holds a text.</summary>
    public void AssertFault(int exitCode, string fragment)
    {
        Assert.StartsWith("error: ", Error, StringComparison.Ordinal);
        Assert.Contains(fragment, Error, StringComparison.Ordinal);
        Assert.Single(Error.TrimEnd('\n').Split('\n'));
        Assert.Equal("", Out);
        Assert.Equal(exitCode, ExitCode);
    }
}

/// <summary>Runs command lines within the test's process.</summary>
internal static class Tool
{
    /// <summary>As a script would run it: input from a string, nobody at a terminal.</summary>
    public static Task<ToolResult> RunAsync(params string[] args) => RunAsync("", args);

    public static async Task<ToolResult> RunAsync(string input, string[] args)
    {
        using StringReader reader = new(input);
        using StringWriter output = new() { NewLine = "\n" };
        using StringWriter error = new() { NewLine = "\n" };
        var exitCode = await DeepseekTool.RunAsync(args, new ToolConsole(reader, output, error) { IsInteractive = false, HasColour = false, IsWatched = false });
        return new ToolResult(exitCode, output.ToString(), error.ToString());
    }
}
