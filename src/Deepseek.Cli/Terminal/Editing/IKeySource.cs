namespace Deepseek.Cli.Terminal.Editing;

/// <summary>A terminal's keys, and its size.</summary>
internal interface IKeySource
{
    /// <summary>More keys wait: text is being pasted, or was typed ahead.</summary>
    bool HasMore { get; }

    /// <summary>Cells of a row, and rows; of now, for windows are resized.</summary>
    (int Columns, int Rows) Size { get; }

    /// <summary>Waits for a key, which is not shown.</summary>
    ConsoleKeyInfo Read();
}

/// <summary>The keys of the process's own terminal.</summary>
internal sealed class ConsoleKeys : IKeySource
{
    private ConsoleKeys()
    {
    }

    public bool HasMore => Console.KeyAvailable;

    public (int Columns, int Rows) Size
    {
        get
        {
            try
            {
                return (Console.WindowWidth, Console.WindowHeight);
            }
            catch (IOException)
            {
                return (0, 0); // unknown
            }
        }
    }

    /// <summary>The keys, where somebody types into a terminal that can be drawn on; null elsewhere. Windows' console edits lines itself.</summary>
    public static IKeySource? Open() =>
        !OperatingSystem.IsWindows() && !Console.IsInputRedirected && !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb")
            ? new ConsoleKeys()
            : null;

    public ConsoleKeyInfo Read() => Console.ReadKey(intercept: true);
}
