using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Checkpoints;

/// <summary>Writes safetensors files whose bytes depend on nothing but the tensors and the metadata.</summary>
public static class SafetensorsWriter
{
    /// <summary>The alignment of the data that the format's own writers give, in bytes.</summary>
    public const int DefaultAlignment = 8;

    private const int MaxAlignment = 1 << 20;
    private const int BufferBytes = 1 << 20;

    /// <summary>Writes a file.</summary>
    /// <param name="path">The file; replaced as a whole when the new one is complete and on the disk, untouched when anything fails before.</param>
    /// <param name="tensors">The tensors, written without gaps in this order.</param>
    /// <param name="metadata">Texts for the header's <c>__metadata__</c>; null for none.</param>
    /// <param name="alignment">The data begin at a multiple of this many bytes; a power of two, 1 to 2²⁰. The header is padded with spaces.</param>
    /// <exception cref="ArgumentException">Two tensors have one name, a text is not valid Unicode, or the header exceeds the format's 100 MB.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="alignment"/> is out of range.</exception>
    /// <exception cref="InvalidOperationException">A tensor's callback wrote more or fewer bytes than its shape says.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(
        string path, IReadOnlyList<SafetensorsTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null, int alignment = DefaultAlignment)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(tensors);
        var header = CreateHeader(tensors, metadata, alignment);

        // In the same folder, so that the move is a rename: a reader sees the old file or the whole new one.
        var temporary = $"{path}.{Guid.NewGuid():N}.partial";
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, BufferBytes))
            {
                file.Write(header);
                foreach (var tensor in tensors)
                    WriteData(file, tensor);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Whether a text can be written as UTF-8: no surrogate stands alone.</summary>
    internal static bool IsText(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            if (System.Text.Rune.DecodeFromUtf16(text, out _, out var consumed) != OperationStatus.Done)
                return false;
            text = text[consumed..];
        }

        return true;
    }

    /// <summary>Length, JSON and padding.</summary>
    internal static byte[] CreateHeader(IReadOnlyList<SafetensorsTensor> tensors, IReadOnlyDictionary<string, string>? metadata, int alignment)
    {
        if (alignment is < 1 or > MaxAlignment || !int.IsPow2(alignment))
        {
            throw new ArgumentOutOfRangeException(nameof(alignment), alignment, FormattableString.Invariant(
                $"The alignment must be a power of two, 1 to {MaxAlignment}."));
        }

        RequireSound(tensors, metadata);
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
            WriteJson(writer, tensors, metadata);

        var dataOffset = (SafetensorsHeader.LengthBytes + (long)json.WrittenCount + alignment - 1) / alignment * alignment;
        if (dataOffset - SafetensorsHeader.LengthBytes > SafetensorsHeader.MaxBytes)
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"The header of {tensors.Count} tensors has {json.WrittenCount} bytes; the format allows {SafetensorsHeader.MaxBytes}. Use several files."), nameof(tensors));
        }

        var header = new byte[dataOffset];
        BinaryPrimitives.WriteInt64LittleEndian(header, dataOffset - SafetensorsHeader.LengthBytes);
        json.WrittenSpan.CopyTo(header.AsSpan(SafetensorsHeader.LengthBytes));
        header.AsSpan(SafetensorsHeader.LengthBytes + json.WrittenCount).Fill((byte)' ');
        return header;
    }

    private static void RequireSound(IReadOnlyList<SafetensorsTensor> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        List<string> faults = [];
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (var tensor in tensors)
        {
            ArgumentNullException.ThrowIfNull(tensor, nameof(tensors));
            if (!names.Add(tensor.Name))
                faults.Add($"The tensor {UntrustedText.Quote(tensor.Name)} is given twice.");
        }

        foreach (var (key, value) in metadata ?? new Dictionary<string, string>())
        {
            if (!IsText(key) || !IsText(value))
                faults.Add($"The metadata entry {UntrustedText.Quote(key)} is not valid Unicode.");
        }

        if (faults.Count > 0)
            throw new ArgumentException(string.Join(" ", faults), nameof(tensors));
    }

    private static void WriteJson(Utf8JsonWriter writer, IReadOnlyList<SafetensorsTensor> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        writer.WriteStartObject();
        if (metadata is { Count: > 0 })
        {
            writer.WriteStartObject(SafetensorsHeader.MetadataKey);
            foreach (var (key, value) in metadata.OrderBy(entry => entry.Key, StringComparer.Ordinal)) // a dictionary has no order of its own
                writer.WriteString(key, value);
            writer.WriteEndObject();
        }

        long offset = 0;
        foreach (var tensor in tensors)
        {
            writer.WriteStartObject(tensor.Name);
            writer.WriteString("dtype", tensor.Type.Name());
            writer.WriteStartArray("shape");
            foreach (var size in tensor.Shape)
                writer.WriteNumberValue(size);
            writer.WriteEndArray();
            writer.WriteStartArray("data_offsets");
            writer.WriteNumberValue(offset);
            offset = checked(offset + tensor.ByteLength);
            writer.WriteNumberValue(offset);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteData(FileStream file, SafetensorsTensor tensor)
    {
        using var data = new TensorDataStream(file, tensor);
        tensor.WriteTo(data);
        data.RequireComplete();
    }
}
