using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Checkpoints;

/// <summary>Reads and checks the header of a safetensors file.</summary>
/// <remarks>
/// Format: huggingface/safetensors, README.md, "Format": 8 bytes of length, a JSON object, then the data without gaps.
/// Everything here is a stranger's: a length allocates nothing before it is known to fit the file.
/// </remarks>
internal static class SafetensorsHeaderParser
{
    private const string HeaderSubject = "header";

    /// <summary>The length that the first bytes state.</summary>
    /// <param name="start">The file's first bytes; all of it where it is shorter than 64.</param>
    /// <param name="fileLength">The file's length in bytes.</param>
    /// <param name="file">What messages call the file.</param>
    internal static int ReadLength(ReadOnlySpan<byte> start, long fileLength, string file)
    {
        if (start.StartsWith("version https://git-lfs"u8))
            throw new CheckpointFormatException(file, null, "The file is a Git LFS pointer, not the weights; fetch them with \"git lfs pull\" or from the hub.");
        if (fileLength < SafetensorsHeader.LengthBytes)
        {
            throw Fault(file, null, $"The file has {fileLength} bytes; a safetensors file begins with {SafetensorsHeader.LengthBytes} bytes of header length. Fetch it again.");
        }

        var length = BinaryPrimitives.ReadUInt64LittleEndian(start);
        var rest = fileLength - SafetensorsHeader.LengthBytes;
        if (length > SafetensorsHeader.MaxBytes)
            throw Fault(file, HeaderSubject, $"Its length is stated as {length} bytes; at most {SafetensorsHeader.MaxBytes} are allowed. The file is no safetensors file, or damaged.");
        if (length > (ulong)rest)
            throw Fault(file, HeaderSubject, $"Its length is stated as {length} bytes, but the file holds {rest} more; it is cut short, fetch it again.");
        return (int)length;
    }

    /// <summary>Parses a header and checks that its tensors fill the data exactly.</summary>
    /// <param name="json">The header without its length.</param>
    /// <param name="fileLength">The file's length in bytes.</param>
    /// <param name="file">The file's path: where the entries say that they lie.</param>
    internal static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long fileLength, string file)
    {
        if (json.IsEmpty || json[0] != (byte)'{')
            throw Fault(file, HeaderSubject, $"It does not begin with '{{'; the file is no safetensors file, or damaged.");

        var dataOffset = (long)SafetensorsHeader.LengthBytes + json.Length;
        var reader = new StrictJson(json, file, HeaderSubject);
        Dictionary<string, TensorEntry> tensors = new(StringComparer.Ordinal);
        Dictionary<string, string>? metadata = null;
        reader.Next();
        for (reader.Next(); reader.Type != JsonTokenType.EndObject; reader.Next())
        {
            var name = reader.Text(HeaderSubject);
            reader.Next();
            if (name != SafetensorsHeader.MetadataKey)
            {
                if (!tensors.TryAdd(name, ReadTensor(ref reader, name, dataOffset, file)))
                    throw Fault(file, UntrustedText.Show(name), $"The tensor is stated twice; which one counts is unknown.");
            }
            else if (metadata is null)
            {
                metadata = ReadMetadata(ref reader);
            }
            else
            {
                throw Fault(file, SafetensorsHeader.MetadataKey, $"It is stated twice; which one counts is unknown.");
            }
        }

        reader.Read(); // anything but padding after the object is a syntax fault
        SafetensorsLayout.Check(tensors.Values, dataOffset, fileLength, file);
        return new SafetensorsHeader(tensors, metadata ?? [], dataOffset);
    }

    private static Dictionary<string, string> ReadMetadata(ref StrictJson reader)
    {
        const string Subject = SafetensorsHeader.MetadataKey;
        reader.Expect(JsonTokenType.StartObject, Subject, "an object of texts");
        Dictionary<string, string> metadata = new(StringComparer.Ordinal);
        for (reader.Next(); reader.Type != JsonTokenType.EndObject; reader.Next())
        {
            var key = reader.Text(Subject);
            reader.Next();
            reader.Expect(JsonTokenType.String, Subject, "a text for every key");
            if (!metadata.TryAdd(key, reader.Text(Subject)))
                throw reader.Fault(Subject, $"{UntrustedText.Quote(key)} is stated twice; which one counts is unknown.");
        }

        return metadata;
    }

    private static TensorEntry ReadTensor(ref StrictJson reader, string name, long dataOffset, string file)
    {
        reader.Expect(JsonTokenType.StartObject, name, "an object with dtype, shape and data_offsets");
        TensorType? type = null;
        long[]? shape = null;
        (long Begin, long End)? offsets = null;
        for (reader.Next(); reader.Type != JsonTokenType.EndObject; reader.Next())
        {
            var key = reader.Text(name);
            reader.Next();
            switch (key)
            {
                case "dtype" when type is null:
                    type = ReadType(ref reader, name);
                    break;
                case "shape" when shape is null:
                    shape = ReadShape(ref reader, name);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadOffsets(ref reader, name);
                    break;
                case "dtype" or "shape" or "data_offsets":
                    throw reader.Fault(name, $"{key} is stated twice; which one counts is unknown.");
                default:
                    reader.Skip(); // as the reference implementation does
                    break;
            }
        }

        if (type is null || shape is null || offsets is null)
        {
            var missing = type is null ? "dtype" : shape is null ? "shape" : "data_offsets";
            throw reader.Fault(name, $"{missing} is missing; a tensor states dtype, shape and data_offsets.");
        }

        return SafetensorsLayout.CreateEntry(name, type.Value, shape, offsets.Value, dataOffset, file);
    }

    private static TensorType ReadType(ref StrictJson reader, string subject)
    {
        reader.Expect(JsonTokenType.String, subject, "a text for dtype");
        var name = reader.Text(subject);
        return TensorTypes.TryParse(name, out var type)
            ? type
            : throw reader.Fault(subject, $"dtype is {UntrustedText.Quote(name)}; supported are {TensorTypes.Supported}.");
    }

    private static long[] ReadShape(ref StrictJson reader, string subject)
    {
        reader.Expect(JsonTokenType.StartArray, subject, "a list of sizes for shape");
        List<long> sizes = new(4);
        for (reader.Next(); reader.Type != JsonTokenType.EndArray; reader.Next())
            sizes.Add(reader.Size(subject, "A size of shape"));
        return [.. sizes];
    }

    private static (long Begin, long End) ReadOffsets(ref StrictJson reader, string subject)
    {
        const string Expected = "data_offsets of two numbers, begin and end";
        reader.Expect(JsonTokenType.StartArray, subject, Expected);
        reader.Next();
        var begin = reader.Size(subject, "The begin of data_offsets");
        reader.Next();
        var end = reader.Size(subject, "The end of data_offsets");
        reader.Next();
        reader.Expect(JsonTokenType.EndArray, subject, Expected);
        return (begin, end);
    }

    private static CheckpointFormatException Fault(string file, string? subject, FormattableString reason) =>
        new(file, subject, reason.ToString(CultureInfo.InvariantCulture));
}
