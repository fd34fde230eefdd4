using System.Runtime.InteropServices;

namespace Deepseek.Cli;

/// <summary>Ends the process while native threads still compute.</summary>
internal static partial class ProcessExit
{
    /// <summary>Ends the process without running the exit handlers of native libraries: libtorch's would free what its threads still use.</summary>
    public static void AtOnce(int exitCode)
    {
        if (OperatingSystem.IsWindows())
            Environment.Exit(exitCode);
        else
            Exit(exitCode);
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int status);
}
