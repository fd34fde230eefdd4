using System.Buffers.Binary;
using System.IO.Hashing;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Caching;

/// <summary>Writes or reads through a stream, in pieces of one size at most, and keeps the checksum of what has passed.</summary>
/// <remarks>The stream stays its caller's. Nothing is read ahead: whatever follows is left to the next reader.</remarks>
internal sealed unsafe class ChecksumStream(Stream stream)
{
    public const int ChecksumBytes = 16;

    private const int PieceBytes = 1 << 20; // enough for a disk, little for a checksum's cache

    private readonly XxHash128 _checksum = new();

    /// <summary>What the stream is called in messages.</summary>
    public string Name { get; } = stream is FileStream file ? file.Name : "the stream";

    /// <summary>Bytes that have passed.</summary>
    public long Passed { get; private set; }

    /// <summary>Bytes that are still there to be read; null where the stream cannot tell.</summary>
    public long? Left => stream.CanSeek ? Math.Max(0, stream.Length - stream.Position) : null;

    /// <summary>The checksum of all that has passed.</summary>
    public UInt128 Checksum => _checksum.GetCurrentHashAsUInt128();

    public void Write(ReadOnlySpan<byte> bytes)
    {
        stream.Write(bytes);
        Count(bytes);
    }

    /// <summary>Writes values that lie in the host's memory, without a copy of them.</summary>
    public void Write(nint address, long bytes)
    {
        for (var at = 0L; at < bytes; at += PieceBytes)
            Write(new ReadOnlySpan<byte>((byte*)address + at, (int)Math.Min(PieceBytes, bytes - at)));
    }

    /// <summary>Writes the checksum of all that has passed.</summary>
    public void WriteChecksum()
    {
        Span<byte> bytes = stackalloc byte[ChecksumBytes];
        BinaryPrimitives.WriteUInt128LittleEndian(bytes, Checksum);
        Write(bytes);
    }

    /// <exception cref="CacheFormatException">The stream ends before all bytes have come.</exception>
    public void Read(Span<byte> bytes)
    {
        var count = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (count < bytes.Length)
            throw Short(bytes.Length - count);
        Count(bytes);
    }

    /// <summary>Reads values into the host's memory, without a copy of them.</summary>
    /// <exception cref="CacheFormatException">The stream ends before all bytes have come.</exception>
    public void Read(nint address, long bytes)
    {
        for (var at = 0L; at < bytes; at += PieceBytes)
            Read(new Span<byte>((byte*)address + at, (int)Math.Min(PieceBytes, bytes - at)));
    }

    /// <summary>Reads a checksum, which must be that of all that has passed.</summary>
    /// <exception cref="CacheFormatException">It is not.</exception>
    public void RequireChecksum()
    {
        var actual = Checksum;
        Span<byte> bytes = stackalloc byte[ChecksumBytes];
        Read(bytes);
        var expected = BinaryPrimitives.ReadUInt128LittleEndian(bytes);
        if (actual != expected)
            throw Fault($"the checksum is {CacheOrigin.Text(actual)}; it must be {CacheOrigin.Text(expected)}. It is damaged: take another copy, or run the text again and save anew.");
    }

    /// <summary>Refuses a stream that is known to hold too little, before memory is taken for it.</summary>
    /// <exception cref="CacheFormatException">It does.</exception>
    public void RequireLeft(long bytes)
    {
        if (Left is { } left && left < bytes)
            throw Short(bytes - left);
    }

    public CacheFormatException Fault(string reason, Exception? cause = null) => new(Name, reason, cause);

    private CacheFormatException Short(long missing) =>
        Fault(FormattableString.Invariant($"it ends {missing} bytes too early. It was cut short: take another copy, or run the text again and save anew."));

    private void Count(ReadOnlySpan<byte> bytes)
    {
        _checksum.Append(bytes);
        Passed += bytes.Length;
    }
}
