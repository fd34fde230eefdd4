using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Deepseek.Inference.Kernels;

/// <summary>Memory from which machine code runs.</summary>
/// <remarks>Code is written to a file in memory, and the file mapped to be read and executed: no page is ever writable and executable, and a system that lets the runtime place its own code so permits this, too.</remarks>
internal static unsafe partial class ExecutableMemory
{
    private const int ReadExecute = 1 | 4; // PROT_READ | PROT_EXEC
    private const int Private = 2; // MAP_PRIVATE
    private static readonly void* Failed = (void*)-1; // MAP_FAILED

    /// <summary>Places code for as long as the process runs.</summary>
    /// <param name="code">The code.</param>
    /// <returns>Its first instruction; null where the system does not permit it, or is not Linux.</returns>
    public static byte* Place(ReadOnlySpan<byte> code)
    {
        if (!OperatingSystem.IsLinux())
            return null;
        try
        {
            using var file = MemoryFile.Create("deepseek-kernels", executable: true);
            if (file is null)
                return null;

            RandomAccess.Write(file, code, 0);
            var memory = Map(null, (nuint)code.Length, ReadExecute, Private, file, 0); // it stays when the file goes
            return memory == Failed ? null : (byte*)memory;
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException or IOException)
        {
            return null; // other kernels compute the same
        }
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void* Map(void* address, nuint length, int protection, int flags, SafeFileHandle file, nint offset);
}
