using System.Text.Json;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Store;

/// <summary>Reads <c>store.json</c>.</summary>
internal static class StoreManifestReader
{
    private const int MaxBytes = 256 << 20; // R1's has 1 MB
    private const string Remedy = " Fetch it again, or convert the checkpoint again into another folder.";

    /// <summary>Reads the manifest of a folder and checks that everything in it fits.</summary>
    /// <exception cref="CheckpointFormatException">There is none, it is newer than this library, damaged or not sound.</exception>
    public static StoreManifest Read(string folder)
    {
        var file = Path.Combine(folder, StoreFile.Manifest);
        if (!File.Exists(file))
            throw Absent(folder);
        if (StoreFile.Find(file).Length is var length && length > MaxBytes)
            throw new CheckpointFormatException(file, null, FormattableString.Invariant($"The manifest has {length} bytes; at most {MaxBytes} are allowed."));
        return Parse(File.ReadAllBytes(file), file);
    }

    /// <summary>Reads a manifest.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="file">Its path, for messages.</param>
    internal static StoreManifest Parse(byte[] bytes, string file)
    {
        try
        {
            if (bytes.Length == 0)
                throw new FormatException("The file is empty.");
            using var document = JsonDocument.Parse(bytes);
            RequireVersion(document.RootElement, file);
            if (!StoreSeal.IsSound(bytes))
                throw new CheckpointFormatException(file, "seal", "The checksum at the end is not that of the bytes before it; the manifest is damaged." + Remedy);
            return StoreManifestParser.Parse(document.RootElement, file);
        }
        catch (FormatException fault) // of the parser, whose messages show nothing of the file as it is
        {
            throw new CheckpointFormatException(file, null, "The manifest is damaged: " + fault.Message + Remedy, fault);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or ArgumentException) // text that is no JSON, or no Unicode
        {
            throw new CheckpointFormatException(file, null, "The manifest is damaged: " + Configuration.UntrustedText.Show(fault.Message) + Remedy, fault);
        }
    }

    /// <summary>What a folder without a manifest is told.</summary>
    private static CheckpointFormatException Absent(string folder)
    {
        if (!Directory.Exists(folder))
            return new CheckpointFormatException(folder, null, "The folder does not exist; it must hold a page store.");
        return File.Exists(Path.Combine(folder, StoreFile.Journal))
            ? new CheckpointFormatException(folder, null, "The store is not finished: its conversion was interrupted. Give the same deepseek convert command again; what is complete is kept.")
            : new CheckpointFormatException(folder, null, $"The folder has no {StoreFile.Manifest}; it is no page store. Make one with deepseek convert.");
    }

    private static void RequireVersion(JsonElement root, string file)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("format", out var format) || format.ValueKind != JsonValueKind.String || format.GetString() != StoreManifest.Format)
            throw new CheckpointFormatException(file, "format", $"The file does not call itself a \"{StoreManifest.Format}\"; it is no manifest of a page store, or damaged.");
        var version = root.Whole("version");
        if (version > StoreManifest.Version)
            throw new CheckpointFormatException(file, "version", FormattableString.Invariant($"The store is of version {version}; this library reads version {StoreManifest.Version}. Update Deepseek.Inference, or convert the checkpoint with this one."));
        if (version < StoreManifest.Version)
            throw new CheckpointFormatException(file, "version", FormattableString.Invariant($"The store is of version {version}; this library reads version {StoreManifest.Version}. Convert the checkpoint again."));
    }
}
