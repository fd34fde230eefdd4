using Deepseek.Cli.Terminal.Editing;

namespace Deepseek.Cli;

/// <summary>Where the tool reads and writes.</summary>
/// <param name="In">Standard input.</param>
/// <param name="Out">Standard output: results alone.</param>
/// <param name="Error">Standard error: faults, progress, notes.</param>
internal sealed record ToolConsole(TextReader In, TextWriter Out, TextWriter Error)
{
    /// <summary>Somebody types: prompts and questions are welcome.</summary>
    public bool IsInteractive { get; init; } = !Console.IsInputRedirected;

    /// <summary>Escape sequences are understood and wanted (https://no-color.org).</summary>
    public bool HasColour { get; init; } =
        !Console.IsInputRedirected && !Console.IsOutputRedirected && !Console.IsErrorRedirected
        && Environment.GetEnvironmentVariable("NO_COLOR") is null or ""
        && Environment.GetEnvironmentVariable("TERM") is not "dumb";

    /// <summary>Standard error is a terminal: whoever waits there sees how far long work has come.</summary>
    public bool IsWatched { get; init; } = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not "dumb";

    /// <summary>The keys of a terminal on which lines can be edited; null where lines come as they are.</summary>
    public IKeySource? Keys { get; init; }

    /// <summary>Requests to end.</summary>
    public Interrupts Interrupts { get; init; } = new();

    /// <summary>Reads a line; null at the end of input.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the line that is read then is lost.</exception>
    public Task<string?> ReadLineAsync(CancellationToken cancellationToken) =>
        In.ReadLineAsync(cancellationToken).AsTask().WaitAsync(cancellationToken); // the read itself cannot be cancelled on a terminal or a pipe
}
