using System.Runtime.InteropServices;

namespace Deepseek.Inference.Store;

/// <summary>Brings a folder's entries to the disk.</summary>
/// <remarks>
/// A rename is atomic, and yet a power failure may undo it until the folder itself has reached the disk (open(2), fsync(2)): a journal must not be gone for good before the manifest is there for good.
/// Windows keeps a journal of its own and has no such call.
/// </remarks>
internal static partial class FolderFlush
{
    private const int ReadOnly = 0; // O_RDONLY, on Linux and macOS alike

    /// <summary>Waits until files that were created, renamed or deleted are so on the disk.</summary>
    /// <param name="folder">The folder.</param>
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows())
            return;
        var descriptor = Open(folder, ReadOnly);
        if (descriptor < 0)
            return; // a folder may be written to and not read: then this is not to be had
        _ = Flush(descriptor); // some network file systems refuse; what they hold of the files was flushed before
        _ = Close(descriptor);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);
}
