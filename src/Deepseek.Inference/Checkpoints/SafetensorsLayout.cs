using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Checkpoints;

/// <summary>Checks where tensors lie in a safetensors file: each as long as its shape says, all of them without gap or overlap.</summary>
internal static class SafetensorsLayout
{
    private const int ShownSizes = 8;

    /// <summary>An entry whose length agrees with its shape.</summary>
    internal static TensorEntry CreateEntry(
        string name, TensorType type, long[] shape, (long Begin, long End) offsets, long dataOffset, string file)
    {
        if (offsets.End < offsets.Begin)
            throw Fault(file, name, $"data_offsets are [{offsets.Begin}, {offsets.End}]; the end must not lie before the begin.");
        if (!TryGetByteLength(shape, type, out var needed))
            throw Fault(file, name, $"shape {Show(shape)} of {type.Name()} needs more than 2^63 - 1 bytes; no file holds them.");

        var length = offsets.End - offsets.Begin;
        if (length != needed)
            throw Fault(file, name, $"data_offsets [{offsets.Begin}, {offsets.End}] span {length} bytes; shape {Show(shape)} of {type.Name()} needs {needed}.");

        // Past the end of any file; refused here so that the sum below cannot overflow.
        if (offsets.Begin > long.MaxValue - dataOffset)
            throw Fault(file, name, $"data_offsets begin at {offsets.Begin}; no file is that long.");
        return new TensorEntry(name, type, shape, file, dataOffset + offsets.Begin, length);
    }

    /// <summary>Checks that the tensors, in the order of their offsets, fill the data from its first byte to its last.</summary>
    internal static void Check(IReadOnlyCollection<TensorEntry> tensors, long dataOffset, long fileLength, string file)
    {
        var ordered = tensors.ToArray();
        Array.Sort(ordered, InOrderOfData);
        var end = dataOffset;
        TensorEntry? last = null;
        foreach (var tensor in ordered)
        {
            if (tensor.FileOffset != end)
                throw Misplaced(tensor, last, end, dataOffset, file);
            if (tensor.ByteLength > fileLength - end)
            {
                throw Fault(file, tensor.Name,
                    $"The tensor ends {tensor.ByteLength - (fileLength - end)} bytes past the end of the file; it is cut short, fetch it again.");
            }

            end += tensor.ByteLength;
            last = tensor;
        }

        if (end != fileLength)
            throw Fault(file, null, $"{fileLength - end} bytes follow the last tensor; the data must end with it. The file is damaged, fetch it again.");
    }

    // An empty tensor shares its offset with the one behind it, so the length decides; the name only makes messages certain.
    private static int InOrderOfData(TensorEntry a, TensorEntry b)
    {
        var order = a.FileOffset.CompareTo(b.FileOffset);
        if (order == 0)
            order = a.ByteLength.CompareTo(b.ByteLength);
        return order != 0 ? order : string.CompareOrdinal(a.Name, b.Name);
    }

    private static CheckpointFormatException Misplaced(TensorEntry tensor, TensorEntry? last, long end, long dataOffset, string file)
    {
        var (begin, expected) = (tensor.FileOffset - dataOffset, end - dataOffset);
        var before = last is null ? "the data" : UntrustedText.Quote(last.Name);
        return begin > expected
            ? Fault(file, tensor.Name, $"data_offsets begin at {begin}, {begin - expected} bytes after the {(last is null ? "begin" : "end")} of {before}; gaps are not allowed.")
            : Fault(file, tensor.Name, $"data_offsets begin at {begin}, {expected - begin} bytes before the end of {before}; tensors must not overlap.");
    }

    /// <summary>Bytes of a shape; false where they exceed 2⁶³ − 1. A size of 0 makes them 0 whatever the others are.</summary>
    internal static bool TryGetByteLength(ReadOnlySpan<long> shape, TensorType type, out long bytes)
    {
        bytes = 0;
        if (shape.Contains(0))
            return true;

        Int128 product = type.Size();
        foreach (var size in shape)
        {
            // Both factors are below 2⁶³, so the product of a step fits into 128 bits.
            product *= size;
            if (product > long.MaxValue)
                return false;
        }

        bytes = (long)product;
        return true;
    }

    private static string Show(long[] shape) =>
        "[" + string.Join(", ", shape.Take(ShownSizes)) + (shape.Length > ShownSizes ? FormattableString.Invariant($", … ({shape.Length} dimensions)]") : "]");

    private static CheckpointFormatException Fault(string file, string? subject, FormattableString reason) =>
        new(file, subject is null ? null : UntrustedText.Show(subject), FormattableString.Invariant(reason));
}
