using Microsoft.Win32.SafeHandles;

namespace Deepseek.Cli;

/// <summary>Standard input and output as a filter needs them.</summary>
/// <remarks>
/// The console's own streams swallow the error of a pipe whose reader has gone, so that work would go on for nobody, and take a terminal's line editing
/// upon themselves. Elsewhere than on a pipe or a terminal they are right: a stream of a file would keep a position of its own, beside that of other processes.
/// </remarks>
internal static class StandardStreams
{
    private const int BrokenPipeError = 32; // EPIPE, on Linux and macOS alike

    public static Stream OpenInput() => Open(0, FileAccess.Read) ?? Console.OpenStandardInput();

    public static Stream OpenOutput() => Open(1, FileAccess.Write) ?? Console.OpenStandardOutput();

    /// <summary>Whether a write failed because nobody reads any more.</summary>
    public static bool IsBrokenPipe(IOException fault) => !OperatingSystem.IsWindows() && fault.HResult == BrokenPipeError;

    private static FileStream? Open(nint descriptor, FileAccess access)
    {
        if (OperatingSystem.IsWindows())
            return null;
        FileStream stream;
        try
        {
            stream = new FileStream(new SafeFileHandle(descriptor, ownsHandle: false), access, bufferSize: 0);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null; // closed, or a folder
        }

        if (!stream.CanSeek)
            return stream;
        stream.Dispose();
        return null;
    }
}
