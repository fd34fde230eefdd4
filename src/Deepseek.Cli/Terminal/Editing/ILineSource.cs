namespace Deepseek.Cli.Terminal.Editing;

/// <summary>Where a chat's lines come from.</summary>
internal interface ILineSource
{
    /// <summary>Asks for a line.</summary>
    /// <param name="prompt">What stands before it.</param>
    /// <param name="cancellationToken">Ends waiting.</param>
    /// <returns>The line, which may hold newlines where text was pasted; null at the end of input.</returns>
    Task<string?> ReadAsync(string prompt, CancellationToken cancellationToken);

    /// <summary>Keeps what was entered, so that it can be called back.</summary>
    void Remember(string text);
}

/// <summary>Lines as the terminal itself edits them, or a test has them.</summary>
internal sealed class PlainLines(ToolConsole console) : ILineSource
{
    public async Task<string?> ReadAsync(string prompt, CancellationToken cancellationToken)
    {
        await console.Error.WriteAsync(prompt).ConfigureAwait(false);
        string? line = null;
        try
        {
            return line = await console.ReadLineAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (line is null)
                await console.Error.WriteLineAsync().ConfigureAwait(false); // whatever follows begins on a line of its own
        }
    }

    public void Remember(string text)
    {
    }
}
