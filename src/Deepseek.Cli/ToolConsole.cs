namespace Deepseek.Cli;

/// <summary>Where the tool reads and writes.</summary>
/// <param name="In">Standard input.</param>
/// <param name="Out">Standard output: results alone.</param>
/// <param name="Error">Standard error: faults, progress, notes.</param>
internal sealed record ToolConsole(TextReader In, TextWriter Out, TextWriter Error)
{
    /// <summary>Somebody types: prompts and questions are welcome.</summary>
    public bool IsInteractive { get; init; } = !Console.IsInputRedirected;

    /// <summary>Escape sequences are understood.</summary>
    public bool HasColour { get; init; } = !Console.IsInputRedirected && !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("NO_COLOR") is null or "";
}
