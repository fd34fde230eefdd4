using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

// 16 and 32 bits: no header.
public static partial class Bands
{
    private static void EncodeFloat(KernelPath path, BandLayout layout, int band, ReadOnlySpan<float> weights, Span<byte> destination)
    {
        destination.Clear();
        for (var row = 0; row < layout.RowsOf(band); row++)
        {
            var values = weights.Slice(row * layout.Columns, layout.Columns);
            for (var line = 0; line < layout.LinesPerRow; line++)
            {
                var part = Part(values, line * layout.ColumnsPerLine, layout.ColumnsPerLine);
                var bytes = destination.Slice(layout.LineOffset(headerBytes: 0, row, line), BandLayout.LineBytes);
                switch (layout.Precision)
                {
                    case WeightPrecision.BF16:
                        Narrow.ToBFloat16(path, part, MemoryMarshal.Cast<byte, ushort>(bytes)[..part.Length]);
                        break;
                    case WeightPrecision.F16:
                        Narrow.ToHalf(path, part, MemoryMarshal.Cast<byte, ushort>(bytes)[..part.Length]);
                        break;
                    default:
                        part.CopyTo(MemoryMarshal.Cast<byte, float>(bytes));
                        break;
                }
            }
        }
    }

    private static void DecodeFloat(KernelPath path, BandLayout layout, ReadOnlySpan<byte> source, int firstRow, Span<float> destination)
    {
        for (var row = firstRow; !destination.IsEmpty; row++)
        {
            for (var line = 0; line < layout.LinesPerRow; line++)
            {
                var first = line * layout.ColumnsPerLine;
                var part = destination.Slice(first, Math.Min(layout.ColumnsPerLine, layout.Columns - first));
                var bytes = source.Slice(layout.LineOffset(headerBytes: 0, row, line), BandLayout.LineBytes);
                if (layout.Precision == WeightPrecision.F32)
                    MemoryMarshal.Cast<byte, float>(bytes)[..part.Length].CopyTo(part);
                else
                    Widen.From(layout.Precision == WeightPrecision.F16 ? Widen.Format.Half : Widen.Format.BFloat16, path, MemoryMarshal.Cast<byte, ushort>(bytes)[..part.Length], part);
            }

            destination = destination[layout.Columns..];
        }
    }
}
