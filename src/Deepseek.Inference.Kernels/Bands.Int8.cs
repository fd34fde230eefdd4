using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

// 8 bits as whole numbers; a line is one block of 64 columns.
public static partial class Bands
{
    private static void EncodeInt8(KernelPath path, BandLayout layout, int band, ReadOnlySpan<float> weights, Span<byte> destination)
    {
        destination.Clear();
        var header = layout.HeaderBytesOf(band);
        for (var row = 0; row < layout.RowsOf(band); row++)
        {
            var values = weights.Slice(row * layout.Columns, layout.Columns);
            var scaled = layout.Precision == WeightPrecision.Int8 ? layout.Columns : BandLayout.BlockColumns;
            var scale = 0f;
            for (var line = 0; line < layout.LinesPerRow; line++)
            {
                var first = line * BandLayout.BlockColumns;
                if (first % scaled == 0)
                {
                    scale = ScaleOf(Nf4.LargestMagnitude(Part(values, first, scaled)), Int8Codes.Largest);
                    BinaryPrimitives.WriteSingleLittleEndian(destination[ScaleOffset(layout, row, line)..], scale);
                }

                var part = Part(values, first, BandLayout.BlockColumns);
                Int8Codes.Encode(path, part, scale, MemoryMarshal.Cast<byte, sbyte>(destination.Slice(layout.LineOffset(header, row, line), part.Length)));
            }
        }
    }

    private static void DecodeInt8(KernelPath path, BandLayout layout, int band, ReadOnlySpan<byte> source, int firstRow, Span<float> destination)
    {
        if (path >= KernelPath.Avx2)
        {
            DecodeInt8Avx2(layout, band, source, firstRow, destination);
            return;
        }

        var header = layout.HeaderBytesOf(band);
        for (var row = firstRow; !destination.IsEmpty; row++)
        {
            for (var line = 0; line < layout.LinesPerRow; line++)
            {
                var first = line * BandLayout.BlockColumns;
                var part = destination.Slice(first, Math.Min(BandLayout.BlockColumns, layout.Columns - first));
                var scale = BinaryPrimitives.ReadSingleLittleEndian(source[ScaleOffset(layout, row, line)..]);
                Int8Codes.Decode(path, MemoryMarshal.Cast<byte, sbyte>(source.Slice(layout.LineOffset(header, row, line), part.Length)), scale, part);
            }

            destination = destination[layout.Columns..];
        }
    }

    private static int ScaleOffset(BandLayout layout, int row, int line) =>
        sizeof(float) * (layout.Precision == WeightPrecision.Int8 ? row : (row * layout.BlocksPerRow) + line);

    private static ReadOnlySpan<float> Part(ReadOnlySpan<float> values, int first, int count) => values.Slice(first, Math.Min(count, values.Length - first));

    /// <summary>The scale under which the largest magnitude takes the largest code; among subnormal numbers the next one up, where rounding went below, and never one that decodes to infinity.</summary>
    private static float ScaleOf(float largest, float largestCode)
    {
        var scale = largest / largestCode;
        if (scale * (largestCode + 0.5f) < largest)
            return MathF.BitIncrement(scale);
        return float.IsFinite(scale * largestCode) ? scale : MathF.BitDecrement(scale);
    }
}
