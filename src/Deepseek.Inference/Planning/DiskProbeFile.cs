using System.Security.Cryptography;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Store;
using Microsoft.Win32.SafeHandles;

namespace Deepseek.Inference.Planning;

/// <summary>A file that is there for a measurement alone, and goes with it.</summary>
internal sealed class DiskProbeFile : IDisposable
{
    /// <summary>Bytes of a file that is beyond what most disks keep in memory of their own.</summary>
    public const long MostBytes = 1L << 30;

    private const long LeastBytes = 4L * DiskPieces.PieceBytes;

    private DiskProbeFile(string path, long length) => (Path, Length) = (path, length);

    public string Path { get; }

    public long Length { get; }

    /// <summary>Writes a file, half as long as what the disk has left at most.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="mostBytes">Bytes of the file at most.</param>
    /// <param name="cancellationToken">Ends it between two pieces; nothing is left.</param>
    /// <exception cref="DiskSpaceException">There is too little space.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    /// <exception cref="IOException">The folder takes no files, or the disk fails.</exception>
    public static DiskProbeFile Write(string folder, long mostBytes, CancellationToken cancellationToken)
    {
        var available = DiskSpace.Available(folder);
        var length = Math.Min(mostBytes, (available ?? mostBytes) / 2) / DiskPieces.PieceBytes * DiskPieces.PieceBytes;
        if (length < LeastBytes)
            throw new DiskSpaceException(folder, 2 * LeastBytes, available ?? 0);

        var file = new DiskProbeFile(System.IO.Path.Combine(System.IO.Path.GetFullPath(folder), $".deepseek-probe-{Guid.NewGuid():n}"), length);
        try
        {
            using var handle = Create(folder, file.Path, length);
            DiskSpace.Guard(folder, () => length, () => Fill(handle, length, cancellationToken));
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        try
        {
            File.Delete(Path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // A disk that failed a write may refuse this, too; the first fault says more.
        }
    }

    private static SafeFileHandle Create(string folder, string path, long length)
    {
        try
        {
            return DiskSpace.Create(path, length);
        }
        catch (UnauthorizedAccessException fault)
        {
            throw new UnauthorizedAccessException(Refusal(folder), fault);
        }
        catch (IOException fault) when (!DiskSpace.IsFull(fault))
        {
            throw new IOException(Refusal(folder), fault);
        }
    }

    private static string Refusal(string folder) =>
        $"The folder {UntrustedText.Quote(folder)} cannot be written to; a measurement needs a file there for some seconds. Name another folder on the disk, or a page store, which is only read.";

    /// <summary>With random bytes: there are disks that compress.</summary>
    private static void Fill(SafeFileHandle handle, long length, CancellationToken cancellationToken)
    {
        var piece = new byte[DiskPieces.PieceBytes];
        for (long offset = 0; offset < length; offset += piece.Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            RandomNumberGenerator.Fill(piece);
            RandomAccess.Write(handle, piece, offset);
        }

        RandomAccess.FlushToDisk(handle);
    }
}
