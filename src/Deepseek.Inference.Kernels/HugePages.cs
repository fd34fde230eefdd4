using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

/// <summary>Pages of 2 MiB, for memory that is read as a stream: with pages of 4 KiB the processor would look up an address for every 64 lines.</summary>
internal static unsafe partial class HugePages
{
    /// <summary>Bytes of a page.</summary>
    public const nuint Size = 2 << 20;

    private const int AdviseHugePages = 14; // MADV_HUGEPAGE of Linux, asm-generic/mman-common.h

    /// <summary>Asks for them where they fit wholly into memory that is not touched yet; a refusal, or another system, costs speed alone.</summary>
    /// <param name="start">The first byte.</param>
    /// <param name="length">Bytes.</param>
    public static void Ask(nint start, long length)
    {
        var (first, bytes) = Within((nuint)start, (nuint)length);
        if (bytes > 0 && OperatingSystem.IsLinux())
            _ = Advise((void*)first, bytes, AdviseHugePages);
    }

    /// <summary>The whole pages of a part of memory.</summary>
    public static (nuint First, nuint Bytes) Within(nuint start, nuint length)
    {
        var (first, end) = ((start + Size - 1) / Size * Size, (start + length) / Size * Size);
        return first < end ? (first, end - first) : default;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(void* address, nuint length, int advice);
}
