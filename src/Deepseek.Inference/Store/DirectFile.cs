using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Deepseek.Inference.Store;

/// <summary>A file whose reads go from the disk to memory, past the system's page cache, where the file system allows.</summary>
/// <remarks>Offsets, lengths and addresses are multiples of <see cref="ExpertRecordLayout.Alignment"/>. Thread-safe.</remarks>
internal sealed partial class DirectFile : IDisposable
{
    // asm-generic/fcntl.h of Linux, and arm64's own.
    private const int CloseOnExec = 0x80000;
    private const int DirectX64 = 0x4000;
    private const int DirectArm64 = 0x10000;

    private const FileOptions NoBuffering = (FileOptions)0x20000000; // FILE_FLAG_NO_BUFFERING of Windows

    private readonly SafeFileHandle _handle;

    private DirectFile(string path, SafeFileHandle handle, bool isDirect) => (Path, _handle, IsDirect) = (path, handle, isDirect);

    /// <summary>The path.</summary>
    public string Path { get; }

    /// <summary>Whether reads pass the page cache by.</summary>
    public bool IsDirect { get; }

    /// <summary>Opens a file; where direct reads are refused, one that is read in the ordinary way.</summary>
    /// <param name="path">The file.</param>
    /// <param name="allowDirect">Whether direct reads are wanted.</param>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static DirectFile Open(string path, bool allowDirect = true)
    {
        if (allowDirect && TryOpenDirect(path) is { } handle)
        {
            if (CanRead(handle))
                return new DirectFile(path, handle, isDirect: true);
            handle.Dispose();
        }

        return new DirectFile(path, File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.RandomAccess), isDirect: false);
    }

    /// <summary>Fills a destination.</summary>
    /// <exception cref="EndOfStreamException">The file ends before.</exception>
    /// <exception cref="IOException">The disk fails.</exception>
    public void Read(Span<byte> destination, long offset) => ShardFiles.ReadAll(_handle, destination, offset);

    public void Dispose() => _handle.Dispose();

    private static SafeFileHandle? TryOpenDirect(string path)
    {
        if (OperatingSystem.IsWindows())
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, NoBuffering);
        if (!OperatingSystem.IsLinux())
            return null;

        var direct = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? DirectArm64 : DirectX64;
        var descriptor = OpenFile(path, direct | CloseOnExec);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>Some file systems open a file so and then refuse to read it.</summary>
    private static unsafe bool CanRead(SafeFileHandle handle)
    {
        var page = (byte*)NativeMemory.AlignedAlloc(ExpertRecordLayout.Alignment, ExpertRecordLayout.Alignment);
        try
        {
            _ = RandomAccess.Read(handle, new Span<byte>(page, ExpertRecordLayout.Alignment), 0);
            return true;
        }
        catch (Exception fault) when (fault is IOException or ArgumentException or NotSupportedException or UnauthorizedAccessException)
        {
            return false;
        }
        finally
        {
            NativeMemory.AlignedFree(page);
        }
    }

    [SupportedOSPlatform("linux")]
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int OpenFile(string path, int flags);
}
