using System.IO.MemoryMappedFiles;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace Deepseek.Inference.Checkpoints;

/// <summary>One safetensors file, mapped into memory for reading.</summary>
/// <remarks>
/// Opening checks the whole header and reads no data. All members may be called from several threads at once; spans and addresses
/// are valid until <see cref="Dispose"/>, which must wait for whoever still uses them. The file must not be changed meanwhile.
/// </remarks>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly SafeFileHandle _handle;
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly SafetensorsHeader _header;
    private readonly byte* _start;
    private int _disposed;

    private SafetensorsFile(string path, SafeFileHandle handle, long length)
    {
        _handle = handle;
        _map = MemoryMappedFile.CreateFromFile(handle, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        try
        {
            _view = _map.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
            _start += _view.PointerOffset;
            try
            {
                var start = new ReadOnlySpan<byte>(_start, (int)Math.Min(length, 64));
                var json = new ReadOnlySpan<byte>(_start + SafetensorsHeader.LengthBytes, SafetensorsHeaderParser.ReadLength(start, length, path));
                _header = SafetensorsHeaderParser.Parse(json, length, path);
            }
            catch
            {
                _view.SafeMemoryMappedViewHandle.ReleasePointer();
                throw;
            }
        }
        catch
        {
            _view?.Dispose();
            _map.Dispose();
            throw;
        }

        (FilePath, Length) = (path, length);
    }

    /// <summary>The file's path, as it was opened.</summary>
    public string FilePath { get; }

    /// <summary>The file's length in bytes.</summary>
    public long Length { get; }

    /// <summary>First byte of the data in the file.</summary>
    public long DataOffset => _header.DataOffset;

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, TensorEntry> Tensors => _header.Tensors;

    /// <summary>The texts of the header's <c>__metadata__</c>; empty where there are none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks its header.</summary>
    /// <param name="path">A safetensors file.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or empty.</exception>
    /// <exception cref="CheckpointFormatException">The file is missing or its header is not sound; the subject is the tensor at fault.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static SafetensorsFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
            throw new CheckpointFormatException(path, null, "The file is missing; fetch it again.");

        var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.None);
        try
        {
            var length = RandomAccess.GetLength(handle);
            if (length == 0) // cannot be mapped
                SafetensorsHeaderParser.ReadLength([], length, path);
            return new SafetensorsFile(path, handle, length);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>A tensor's bytes in the mapped file.</summary>
    /// <param name="tensor">An entry of <see cref="Tensors"/>.</param>
    /// <exception cref="ArgumentException">The entry is not of this file, or longer than a span can be, 2³¹ − 1 bytes: use <see cref="Address"/> or <see cref="Read"/>.</exception>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    public ReadOnlySpan<byte> Bytes(TensorEntry tensor)
    {
        var address = Address(tensor);
        if (tensor.ByteLength > int.MaxValue)
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"The tensor {UntrustedText.Quote(tensor.Name)} has {tensor.ByteLength} bytes; a span holds at most {int.MaxValue}. Use Address or Read."), nameof(tensor));
        }

        return new ReadOnlySpan<byte>((void*)address, (int)tensor.ByteLength);
    }

    /// <summary>The address of a tensor's first byte in the mapped file; aligned to no more than the file's layout gives.</summary>
    /// <param name="tensor">An entry of <see cref="Tensors"/>.</param>
    /// <exception cref="ArgumentException">The entry is not of this file.</exception>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    public nint Address(TensorEntry tensor)
    {
        Require(tensor);
        return (nint)(_start + tensor.FileOffset);
    }

    /// <summary>Copies part of a tensor's bytes by reading the file, not through its map: a failing disk throws instead of ending the process.</summary>
    /// <param name="tensor">An entry of <see cref="Tensors"/>.</param>
    /// <param name="offset">First byte, from the start of the tensor.</param>
    /// <param name="destination">Receives as many bytes as it is long.</param>
    /// <exception cref="ArgumentException">The entry is not of this file, or the range leaves the tensor.</exception>
    /// <exception cref="CheckpointFormatException">The file has become shorter since it was opened.</exception>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    public void Read(TensorEntry tensor, long offset, Span<byte> destination)
    {
        Require(tensor);
        if (offset < 0 || offset > tensor.ByteLength - destination.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), offset, FormattableString.Invariant(
                $"The range of {destination.Length} bytes must lie within the tensor's {tensor.ByteLength}."));
        }

        ReadAt(tensor.FileOffset + offset, destination, UntrustedText.Show(tensor.Name));
    }

    /// <summary>Copies bytes of the file, whatever they mean, without its map.</summary>
    /// <exception cref="CheckpointFormatException">The file has become shorter since it was opened.</exception>
    internal void ReadAt(long position, Span<byte> destination, string? subject = null)
    {
        while (!destination.IsEmpty)
        {
            var count = RandomAccess.Read(_handle, destination, position);
            if (count == 0)
                throw new CheckpointFormatException(FilePath, subject, "The file was cut short while it was open.");
            position += count;
            destination = destination[count..];
        }
    }

    /// <summary>Unmaps and closes the file; spans and addresses taken from it end here.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
        _handle.Dispose();
    }

    private void Require(TensorEntry tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);

        // Never trust an entry's offsets: one of another file would read beyond this one's map.
        if (!Tensors.TryGetValue(tensor.Name, out var own) || own.FileOffset != tensor.FileOffset || own.ByteLength != tensor.ByteLength || own.File != tensor.File)
            throw new ArgumentException($"The tensor {UntrustedText.Quote(tensor.Name)} of {tensor.File} is not an entry of {FilePath}.", nameof(tensor));
    }
}
