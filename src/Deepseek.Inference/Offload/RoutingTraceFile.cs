using System.Buffers.Binary;
using System.IO.Hashing;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Offload;

/// <summary>The bytes of a routing trace: a header, then a record a token, each with a checksum of its own. docs/paging.md describes them.</summary>
internal static class RoutingTraceFile
{
    /// <summary>The version that this library writes, and the newest that it reads.</summary>
    public const int Version = 1;

    /// <summary>Bytes of the header.</summary>
    public const int HeaderBytes = 32;

    /// <summary>Bytes of a record's checksum.</summary>
    public const int ChecksumBytes = 4;

    private static ReadOnlySpan<byte> Magic => "DSROUTES"u8;

    /// <summary>Bytes of a token.</summary>
    public static int RecordBytes(RoutingTraceShape shape) => (shape.Choices * shape.Width) + ChecksumBytes;

    /// <summary>The header's bytes.</summary>
    public static byte[] Header(RoutingTraceShape shape)
    {
        var header = new byte[HeaderBytes];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(12), shape.Layers);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(16), shape.ExpertsPerLayer);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(20), shape.Chosen);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(24), XxHash3.HashToUInt64(header.AsSpan(0, 24)));
        return header;
    }

    /// <summary>Writes a token.</summary>
    public static void WriteRecord(RoutingTraceShape shape, long token, ReadOnlySpan<int> experts, Span<byte> record)
    {
        for (var i = 0; i < experts.Length; i++)
        {
            if (shape.Width == 1)
                record[i] = (byte)experts[i];
            else
                BinaryPrimitives.WriteUInt16LittleEndian(record[(2 * i)..], (ushort)experts[i]);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(record[^ChecksumBytes..], Checksum(token, record[..^ChecksumBytes]));
    }

    /// <summary>Reads a file and checks all of it.</summary>
    public static RoutingTrace Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no file {path}; check the path.", path);

        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 1 << 16);
        var shape = ReadHeader(file, path);
        var (recordBytes, bytes) = (RecordBytes(shape), file.Length - HeaderBytes);
        if (bytes % recordBytes != 0)
            throw Fault(path, null, FormattableString.Invariant($"it has {file.Length} bytes; it must have {HeaderBytes} and a multiple of {recordBytes}: {bytes / recordBytes} whole tokens and {bytes % recordBytes} bytes were found. It was cut short; record it again."));
        if (bytes / recordBytes * shape.Choices > Array.MaxLength)
            throw Fault(path, null, FormattableString.Invariant($"it has {bytes / recordBytes} tokens; it must have {Array.MaxLength / shape.Choices} or fewer."));

        var choices = new ushort[bytes / recordBytes * shape.Choices];
        var (record, experts) = (new byte[recordBytes], new int[shape.Choices]);
        for (var token = 0; token * (long)shape.Choices < choices.Length; token++)
        {
            file.ReadExactly(record);
            ReadRecord(shape, token, record, experts, path);
            for (var i = 0; i < experts.Length; i++)
                choices[(token * shape.Choices) + i] = (ushort)experts[i];
        }

        return new RoutingTrace(shape, choices);
    }

    private static RoutingTraceShape ReadHeader(FileStream file, string path)
    {
        var header = new byte[HeaderBytes];
        var read = file.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false);
        if (read < Magic.Length || !header.AsSpan().StartsWith(Magic))
            throw Fault(path, "header", $"it begins with {UntrustedText.Quote(System.Text.Encoding.Latin1.GetString(header, 0, Math.Min(read, Magic.Length)))}; it must begin with \"DSROUTES\". It is no routing trace.");
        if (read < HeaderBytes)
            throw Fault(path, "header", FormattableString.Invariant($"it has {read} bytes; it must have {HeaderBytes}. It was cut short; record it again."));
        var version = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(8));
        if (version != Version)
            throw Fault(path, "header", FormattableString.Invariant($"its version is {version}; it must be {Version}, which this library reads."));
        var (expected, found) = (BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(24)), XxHash3.HashToUInt64(header.AsSpan(0, 24)));
        if (expected != found)
            throw Fault(path, "header", FormattableString.Invariant($"its checksum is {found:x16}; it must be {expected:x16}. It is damaged; record it again."));

        var shape = new RoutingTraceShape(
            BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(12)), BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(16)), BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(20)));
        string[] faults = [.. shape.Faults()];
        return faults.Length == 0 ? shape : throw Fault(path, "header", string.Join(" ", faults));
    }

    private static void ReadRecord(RoutingTraceShape shape, long token, ReadOnlySpan<byte> record, Span<int> experts, string path)
    {
        var (expected, found) = (BinaryPrimitives.ReadUInt32LittleEndian(record[^ChecksumBytes..]), Checksum(token, record[..^ChecksumBytes]));
        if (expected != found)
            throw Fault(path, Name(token), FormattableString.Invariant($"its checksum is {found:x8}; it must be {expected:x8}. It is damaged; record it again."));
        for (var i = 0; i < experts.Length; i++)
            experts[i] = shape.Width == 1 ? record[i] : BinaryPrimitives.ReadUInt16LittleEndian(record[(2 * i)..]);
        if (shape.Fault(experts) is { } fault)
            throw Fault(path, Name(token), fault);
    }

    /// <summary>The token's number takes part, so that a record that is missing or out of its place is noticed.</summary>
    private static uint Checksum(long token, ReadOnlySpan<byte> bytes) => XxHash32.HashToUInt32(bytes, unchecked((int)token));

    private static string Name(long token) => FormattableString.Invariant($"token {token}");

    private static CheckpointFormatException Fault(string path, string? subject, string reason) => new(path, subject, reason);
}
