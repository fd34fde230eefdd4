using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Deepseek.Inference.Kernels;

/// <summary>Files in memory, which have no name in any folder. Linux alone has them.</summary>
internal static partial class MemoryFile
{
    private const uint CloseOnExec = 1; // MFD_CLOEXEC, linux/memfd.h
    private const uint Executable = 0x10; // MFD_EXEC, from Linux 6.3 on; before, all such files are

    /// <summary>Creates an empty file.</summary>
    /// <param name="name">What the system's listings call it.</param>
    /// <param name="executable">Whether what is mapped from it may be executed.</param>
    /// <returns>The file; null where the system gives none: its error is the thread's last one.</returns>
    /// <exception cref="EntryPointNotFoundException">The system has no such files.</exception>
    /// <exception cref="DllNotFoundException">It is not Linux.</exception>
    public static SafeFileHandle? Create(string name, bool executable = false)
    {
        var file = executable ? Create(name, CloseOnExec | Executable) : -1;
        if (file < 0)
            file = Create(name, CloseOnExec);
        return file < 0 ? null : new SafeFileHandle(file, ownsHandle: true);
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Create(string name, uint flags);
}
