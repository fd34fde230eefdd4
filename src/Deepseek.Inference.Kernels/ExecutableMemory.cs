using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Deepseek.Inference.Kernels;

/// <summary>Memory from which machine code runs.</summary>
/// <remarks>Code is written to a file in memory, and the file mapped to be read and executed: no page is ever writable and executable, and a system that lets the runtime place its own code so permits this, too.</remarks>
internal static unsafe partial class ExecutableMemory
{
    private const uint CloseOnExec = 1; // MFD_CLOEXEC of Linux, linux/memfd.h
    private const uint Executable = 0x10; // MFD_EXEC, from Linux 6.3 on; before, all such files are
    private const int ReadExecute = 1 | 4; // PROT_READ | PROT_EXEC
    private const int Private = 2; // MAP_PRIVATE

    /// <summary>Places code for as long as the process runs.</summary>
    /// <param name="code">The code.</param>
    /// <returns>Its first instruction; null where the system does not permit it, or is not Linux.</returns>
    public static byte* Place(ReadOnlySpan<byte> code)
    {
        if (!OperatingSystem.IsLinux())
            return null;
        try
        {
            var descriptor = CreateMemoryFile("deepseek-kernels", CloseOnExec | Executable);
            if (descriptor < 0)
                descriptor = CreateMemoryFile("deepseek-kernels", CloseOnExec);
            if (descriptor < 0)
                return null;
            using var file = new SafeFileHandle(descriptor, ownsHandle: true);
            RandomAccess.Write(file, code, 0);
            var memory = Map(null, (nuint)code.Length, ReadExecute, Private, file, 0);
            return memory == (void*)-1 ? null : (byte*)memory;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or EntryPointNotFoundException or DllNotFoundException)
        {
            return null; // other kernels compute the same
        }
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int CreateMemoryFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "mmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void* Map(void* address, nuint length, int protection, int flags, SafeFileHandle file, nint offset);
}
