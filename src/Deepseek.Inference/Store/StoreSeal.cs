using System.Text;

namespace Deepseek.Inference.Store;

/// <summary>The checksum at the end of a manifest, over all bytes before it.</summary>
internal static class StoreSeal
{
    // The object's closing brace is replaced by one more property, whose value is the seal.
    private static ReadOnlySpan<byte> Before => ",\n  \"seal\": \""u8;

    private static ReadOnlySpan<byte> After => "\"\n}\n"u8;

    private const int Digits = 32;

    /// <summary>Adds the seal to a JSON object.</summary>
    public static byte[] Seal(ReadOnlySpan<byte> json)
    {
        var body = json[..json.LastIndexOf((byte)'}')].TrimEnd("\n "u8);
        byte[] unsealed = [.. body, .. Before];
        return [.. unsealed, .. Encoding.ASCII.GetBytes(StoreManifest.Text(StoreManifest.Checksum(unsealed))), .. After];
    }

    /// <summary>Whether a manifest ends in the seal of its own bytes.</summary>
    public static bool IsSound(ReadOnlySpan<byte> json)
    {
        var at = json.Length - After.Length - Digits;
        return at > Before.Length && json[..at].EndsWith(Before) && json.EndsWith(After)
            && json.Slice(at, Digits).SequenceEqual(Encoding.ASCII.GetBytes(StoreManifest.Text(StoreManifest.Checksum(json[..at]))));
    }
}
