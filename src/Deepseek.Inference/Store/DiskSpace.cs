using Deepseek.Inference.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Deepseek.Inference.Store;

/// <summary>Asks for a disk's space before writing, and names a full disk when a write fails.</summary>
internal static class DiskSpace
{
    // ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL, ERROR_DISK_QUOTA_EXCEEDED; elsewhere ENOSPC and EDQUOT, which .NET passes on as the HRESULT.
    private static readonly int[] Full = OperatingSystem.IsWindows()
        ? [unchecked((int)0x80070027), unchecked((int)0x80070070), unchecked((int)0x8007050F)]
        : [28, OperatingSystem.IsMacOS() ? 69 : 122];

    // COR_E_IO: all that .NET 10 says, on every system, where a disk has no room for a file that is to be created with a size, or a file system does not take files of that size.
    private const int Unspecific = unchecked((int)0x80131620);

    /// <summary>Refuses to begin where a disk has too little space.</summary>
    /// <param name="folder">The folder to write to; it or a folder above it exists.</param>
    /// <param name="bytes">Bytes that will be written.</param>
    /// <exception cref="DiskSpaceException">The disk has less.</exception>
    public static void Require(string folder, long bytes)
    {
        if (Available(folder) is { } available && available < bytes)
            throw new DiskSpaceException(folder, bytes, available);
    }

    /// <summary>Writes, and says so when the disk becomes full.</summary>
    /// <param name="folder">The folder that is written to.</param>
    /// <param name="remaining">Bytes that were still to be written when a write failed.</param>
    /// <param name="write">Writes.</param>
    /// <exception cref="DiskSpaceException">The disk is full.</exception>
    public static void Guard(string folder, Func<long> remaining, Action write)
    {
        try
        {
            write();
        }
        catch (IOException e) when (IsFull(e))
        {
            throw new DiskSpaceException(folder, remaining(), Available(folder) ?? 0, e);
        }
    }

    /// <summary>Creates a file and takes its room at once, so that a full disk is known before hours of work.</summary>
    /// <param name="path">The file; it does not exist.</param>
    /// <param name="length">Bytes that it will have; it is empty at first.</param>
    /// <exception cref="DiskSpaceException">The disk has less.</exception>
    public static SafeFileHandle Create(string path, long length)
    {
        try
        {
            return File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read, FileOptions.RandomAccess, length);
        }
        catch (IOException e) when (IsFull(e) || (e.HResult == Unspecific && Available(path) is { } available && available < length))
        {
            throw new DiskSpaceException(Path.GetDirectoryName(Path.GetFullPath(path))!, length, Available(path) ?? 0, e);
        }
    }

    /// <summary>Whether a write failed for want of space.</summary>
    public static bool IsFull(IOException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return Full.Contains(error.HResult);
    }

    /// <summary>Bytes that a folder's disk has for this user; null where the system does not tell, such as for a network share on Windows.</summary>
    public static long? Available(string folder)
    {
        try
        {
            var existing = new DirectoryInfo(Path.GetFullPath(folder));
            while (!existing.Exists && existing.Parent is not null)
                existing = existing.Parent;
            return new DriveInfo(OperatingSystem.IsWindows() ? existing.Root.FullName : existing.FullName).AvailableFreeSpace;
        }
        catch (Exception e) when (e is ArgumentException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
