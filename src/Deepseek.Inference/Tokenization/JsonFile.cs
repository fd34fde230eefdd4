using System.Text.Json;
using System.Text.Unicode;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tokenization;

/// <summary>Reads a tokenizer's JSON files, which are data from a stranger.</summary>
internal static class JsonFile
{
    private const long MaxBytes = 256L << 20; // the largest published tokenizer.json has some 30 MB

    // Looking for keys that occur twice decodes every key: one with half a surrogate pair is found then, too.
    private static readonly JsonDocumentOptions s_options = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    /// <summary>Reads a file whole; null where it does not exist.</summary>
    /// <exception cref="CheckpointFormatException">The file is too large or cannot be read.</exception>
    public static byte[]? TryRead(string path)
    {
        try
        {
            var length = new FileInfo(path) is { Exists: true } info ? info.Length : 0;
            return length > MaxBytes
                ? throw new CheckpointFormatException(path, null, $"the file has {length} bytes; a tokenizer's files have at most {MaxBytes}")
                : File.ReadAllBytes(path);
        }
        catch (Exception cause) when (cause is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointFormatException(path, null, $"the file cannot be read: {cause.Message}", cause);
        }
    }

    /// <summary>Parses a file's content; the document must be disposed after the last use of its parts.</summary>
    /// <exception cref="CheckpointFormatException">It is not UTF-8, not JSON, nested too deeply, or has a key twice or one that is no text.</exception>
    public static JsonDocument Parse(string path, byte[] content)
    {
        if (!Utf8.IsValid(content))
            throw new CheckpointFormatException(path, null, "the file is not UTF-8 text; it is damaged or of another kind");
        try
        {
            return JsonDocument.Parse(content, s_options);
        }
        catch (Exception cause) when (cause is JsonException or InvalidOperationException)
        {
            throw new CheckpointFormatException(path, null, $"the file is not valid JSON: {cause.Message}", cause);
        }
    }
}
