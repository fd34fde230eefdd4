using System.Buffers.Binary;
using System.IO.Hashing;
using System.Security;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Offload;

/// <summary>Recorded usage as a file in the user's cache: outside the store, which a model that runs never writes.</summary>
/// <remarks>Nothing depends on it but speed. So whatever is wrong with it becomes a reason for the log, never an exception.</remarks>
internal static class ExpertUsageFile
{
    /// <summary>The version that this library writes and reads.</summary>
    public const int Version = 1;

    /// <summary>Older demands count as if they had been counted in so many passes: texts of another kind are learned within a few thousand tokens.</summary>
    public const int Horizon = 16384;

    private const int HeaderBytes = 48;
    private const int ChecksumBytes = 16;

    private static ReadOnlySpan<byte> Magic => "DSEXPUSE"u8;

    /// <summary>Tells stores apart: a checksum of the manifest's bytes.</summary>
    public static UInt128 Key(ReadOnlySpan<byte> manifest) => XxHash128.HashToUInt128(manifest);

    /// <summary>Where the usage of a store's experts is kept; null where the user has no place for such files.</summary>
    public static string? DefaultPath(UInt128 key) => DefaultPath(key, Environment.GetEnvironmentVariable, OperatingSystem.IsWindows());

    /// <summary>The same for a given environment.</summary>
    internal static string? DefaultPath(UInt128 key, Func<string, string?> variable, bool isWindows)
    {
        // The base directory specification: a relative XDG_CACHE_HOME is to be ignored.
        var cache = isWindows ? variable("LOCALAPPDATA")
            : variable("XDG_CACHE_HOME") is { } set && Path.IsPathFullyQualified(set) ? set
            : variable("HOME") is { Length: > 0 } home ? Path.Combine(home, ".cache")
            : null;
        return string.IsNullOrEmpty(cache) ? null : Path.Combine(cache, "deepseek-inference", "usage", $"{StoreManifest.Text(key)}.bin");
    }

    /// <summary>Reads usage.</summary>
    /// <param name="path">The file.</param>
    /// <param name="key">The store's.</param>
    /// <param name="layers">Layers that have experts.</param>
    /// <param name="expertsPerLayer">Experts of a layer.</param>
    /// <returns>The usage, or null and why there is none; no reason where there is no file yet.</returns>
    public static (ExpertUsage? Usage, string? Reason) Read(string path, UInt128 key, int layers, int expertsPerLayer)
    {
        try
        {
            var length = HeaderBytes + (sizeof(float) * (long)layers * expertsPerLayer) + ChecksumBytes;
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (file.Length != length)
                return (null, FormattableString.Invariant($"{path} has {file.Length} bytes; it must have {length}. It is ignored."));
            var bytes = new byte[length];
            file.ReadExactly(bytes);
            return Parse(bytes, key, layers, expertsPerLayer) is var (usage, reason) && usage is not null ? (usage, null) : (null, $"{path}: {reason} It is ignored.");
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            return (null, null);
        }
        catch (Exception fault) when (IsRefusal(fault))
        {
            return (null, $"{path} cannot be read: {fault.Message}");
        }
    }

    /// <summary>Writes usage, whole or not at all.</summary>
    /// <returns>Why it could not be written; null where it was.</returns>
    public static string? Write(string path, UInt128 key, ExpertUsage usage)
    {
        try
        {
            _ = Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            StoreFile.WriteWhole(path, Bytes(key, usage.Bounded(Horizon)));
            return null;
        }
        catch (Exception fault) when (IsRefusal(fault))
        {
            return $"{path} cannot be written: {fault.Message}";
        }
    }

    private static bool IsRefusal(Exception fault) => fault is IOException or UnauthorizedAccessException or SecurityException or ArgumentException or NotSupportedException;

    private static byte[] Bytes(UInt128 key, ExpertUsage usage)
    {
        var bytes = new byte[HeaderBytes + (sizeof(float) * usage.Counts.Length) + ChecksumBytes];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), usage.Layers);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), usage.ExpertsPerLayer);
        BinaryPrimitives.WriteUInt128LittleEndian(bytes.AsSpan(24), key);
        BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(40), usage.Passes);
        for (var i = 0; i < usage.Counts.Length; i++)
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(HeaderBytes + (sizeof(float) * i)), usage.Counts[i]);
        BinaryPrimitives.WriteUInt128LittleEndian(bytes.AsSpan(bytes.Length - ChecksumBytes), XxHash128.HashToUInt128(bytes.AsSpan(0, bytes.Length - ChecksumBytes)));
        return bytes;
    }

    private static (ExpertUsage? Usage, string? Reason) Parse(ReadOnlySpan<byte> bytes, UInt128 key, int layers, int expertsPerLayer)
    {
        if (!bytes.StartsWith(Magic))
            return (null, "it does not begin as recorded usage does.");
        if (BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]) is var version && version != Version)
            return (null, FormattableString.Invariant($"its version is {version}; it must be {Version}."));
        var (found, expected) = (XxHash128.HashToUInt128(bytes[..^ChecksumBytes]), BinaryPrimitives.ReadUInt128LittleEndian(bytes[^ChecksumBytes..]));
        if (found != expected)
            return (null, $"its checksum is {StoreManifest.Text(found)}; it must be {StoreManifest.Text(expected)}.");
        if (BinaryPrimitives.ReadUInt128LittleEndian(bytes[24..]) is var owner && owner != key)
            return (null, $"it belongs to the store {StoreManifest.Text(owner)}; it must belong to {StoreManifest.Text(key)}.");
        var shape = (Layers: BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]), Experts: BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]));
        if (shape != (layers, expertsPerLayer))
            return (null, FormattableString.Invariant($"it counts {shape.Layers} × {shape.Experts} experts; they must be {layers} × {expertsPerLayer}."));

        var passes = BinaryPrimitives.ReadDoubleLittleEndian(bytes[40..]);
        var counts = new float[layers * expertsPerLayer];
        for (var i = 0; i < counts.Length; i++)
            counts[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes[(HeaderBytes + (sizeof(float) * i))..]);
        return double.IsFinite(passes) && passes >= 0 && Array.TrueForAll(counts, count => float.IsFinite(count) && count >= 0)
            ? (new ExpertUsage(layers, expertsPerLayer, passes, counts), null)
            : (null, "its counts are not finite numbers, 0 or more.");
    }
}
