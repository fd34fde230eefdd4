using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>Memory from which machine code runs.</summary>
/// <remarks>Code is written to a file in memory, and the file mapped to be read and executed: no page is ever writable and executable, and a system that lets the runtime place its own code so permits this, too.</remarks>
internal static unsafe partial class ExecutableMemory
{
    private const uint CloseOnExec = 1; // MFD_CLOEXEC of Linux, linux/memfd.h
    private const uint Executable = 0x10; // MFD_EXEC, from Linux 6.3 on; before, all such files are
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
            var file = CreateMemoryFile("deepseek-kernels", CloseOnExec | Executable);
            if (file < 0)
                file = CreateMemoryFile("deepseek-kernels", CloseOnExec);
            return file < 0 ? null : Place(code, file);
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            return null; // other kernels compute the same
        }
    }

    private static byte* Place(ReadOnlySpan<byte> code, int file)
    {
        fixed (byte* from = code)
        {
            var memory = Write(file, from, (nuint)code.Length) == code.Length ? Map(null, (nuint)code.Length, ReadExecute, Private, file, 0) : Failed;
            _ = Close(file); // the mapping stays
            return memory == Failed ? null : (byte*)memory;
        }
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int CreateMemoryFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "write")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Write(int file, byte* from, nuint length);

    [LibraryImport("libc", EntryPoint = "mmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int file);
}
