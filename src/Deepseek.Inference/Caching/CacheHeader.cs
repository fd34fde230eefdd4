using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Caching;

/// <summary>What stands before the values of a saved cache. All numbers are little-endian, as the values are.</summary>
/// <param name="Origin">The model that computed the values.</param>
/// <param name="Layers">Layers of the cache.</param>
/// <param name="Width">Values of a row.</param>
/// <param name="Options">Precision, most tokens and window; the first two are never null.</param>
/// <param name="Length">Tokens.</param>
internal sealed record CacheHeader(CacheOrigin Origin, int Layers, int Width, CacheOptions Options, int Length)
{
    /// <summary>The version that this library writes and reads.</summary>
    public const int Version = 1;

    // Offsets: 0 magic, 8 version, 12 precision, 16 weights, 32 computing, 160 layers, 164 width, 168 most tokens, 172 recent (0: no window), 176 sink, 180 length, 184 checksum.
    private const int ComputingBytes = 128;
    private const int CheckedBytes = 184;
    private const int Bytes = CheckedBytes + ChecksumStream.ChecksumBytes;
    private const string Remedy = "Run the text again with this model and save anew.";

    private static ReadOnlySpan<byte> Magic => "DSEQCACH"u8;

    public void Write(ChecksumStream to)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        bytes.Clear();
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[12..], (int)Options.Precision!.Value);
        BinaryPrimitives.WriteUInt128LittleEndian(bytes[16..], Origin.Weights);
        Encoding.UTF8.GetBytes(Origin.Computing, bytes.Slice(32, ComputingBytes));
        BinaryPrimitives.WriteInt32LittleEndian(bytes[160..], Layers);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[164..], Width);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[168..], Options.MaxLength!.Value);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[172..], Options.Window?.Recent ?? 0);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[176..], Options.Window?.Sink ?? 0);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[180..], Length);
        BinaryPrimitives.WriteUInt128LittleEndian(bytes[CheckedBytes..], XxHash128.HashToUInt128(bytes[..CheckedBytes]));
        to.Write(bytes);
    }

    /// <summary>Reads a header, whose numbers are then as they were written; whether a model can use them is not judged.</summary>
    /// <exception cref="Diagnostics.CacheFormatException">It is none, of another version, or damaged.</exception>
    public static CacheHeader Read(ChecksumStream from)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        from.Read(bytes[..Magic.Length]); // a short file of another kind is of another kind, not short
        if (!bytes.StartsWith(Magic))
            throw from.Fault($"it begins with {UntrustedText.Quote(Encoding.Latin1.GetString(bytes[..Magic.Length]))}; a saved cache begins with \"{Encoding.ASCII.GetString(Magic)}\". Give a file that Save has written.");
        from.Read(bytes[Magic.Length..]);
        if (BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]) is var version && version != Version)
            throw from.Fault(FormattableString.Invariant($"the cache is of version {version}; this library reads version {Version}. Use the version of Deepseek.Inference that wrote it, or run the text again and save anew."));
        var (found, expected) = (XxHash128.HashToUInt128(bytes[..CheckedBytes]), BinaryPrimitives.ReadUInt128LittleEndian(bytes[CheckedBytes..]));
        if (found != expected)
            throw from.Fault($"the checksum of the cache's header is {CacheOrigin.Text(found)}; it must be {CacheOrigin.Text(expected)}. It is damaged: take another copy, or run the text again and save anew.");

        var (recent, sink) = (BinaryPrimitives.ReadInt32LittleEndian(bytes[172..]), BinaryPrimitives.ReadInt32LittleEndian(bytes[176..]));
        return new CacheHeader(
            new CacheOrigin(BinaryPrimitives.ReadUInt128LittleEndian(bytes[16..]), Encoding.UTF8.GetString(bytes.Slice(32, ComputingBytes).TrimEnd((byte)0))),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[160..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[164..]),
            new CacheOptions
            {
                Precision = (CachePrecision)BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]),
                MaxLength = BinaryPrimitives.ReadInt32LittleEndian(bytes[168..]),
                Window = recent == 0 && sink == 0 ? null : new AttentionWindow(recent, sink),
            },
            BinaryPrimitives.ReadInt32LittleEndian(bytes[180..]));
    }

    /// <summary>Refuses values that another model computed, or the same one in another way.</summary>
    /// <exception cref="Diagnostics.CacheFormatException">They are.</exception>
    public void RequireOrigin(CacheOrigin own, ChecksumStream from)
    {
        if (Origin.Weights != own.Weights)
            throw from.Fault($"the cache is of the model {CacheOrigin.Text(Origin.Weights)}; this one is {CacheOrigin.Text(own.Weights)}. Load the model that it was saved with. {Remedy}");
        if (Origin.Computing != own.Computing)
            throw from.Fault($"its values were computed by {UntrustedText.Show(Origin.Computing)}; this model computes by {own.Computing}. Load the model with the same options. {Remedy}");
    }

    /// <summary>Refuses sizes that are not a cache's of the model.</summary>
    /// <exception cref="Diagnostics.CacheFormatException">They are not.</exception>
    public void RequireShape(int layers, long width, ChecksumStream from)
    {
        if (Layers != layers || Width != width)
            throw from.Fault(FormattableString.Invariant($"it states {Layers} layers with rows of {Width} values; this model's caches have {layers} with {width}. {Remedy}"));
        if (Length < 0 || Length > Options.MaxLength)
            throw from.Fault(FormattableString.Invariant($"it states {Length} tokens; it must be 0 to {Options.MaxLength}, the most that it may hold. {Remedy}"));
    }
}
