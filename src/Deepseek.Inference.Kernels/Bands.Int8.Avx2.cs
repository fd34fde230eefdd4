using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// Whole lines, eight codes a step, without a call for every line: attention widens such rows for every token.
public static unsafe partial class Bands
{
    private static void DecodeInt8Avx2(BandLayout layout, int band, ReadOnlySpan<byte> source, int firstRow, Span<float> destination)
    {
        var (columns, header) = (layout.Columns, layout.HeaderBytesOf(band));
        var whole = columns / BandLayout.BlockColumns;
        fixed (byte* from = source)
        {
            fixed (float* to = destination)
            {
                var (row, end) = (firstRow, firstRow + (destination.Length / columns));
                while (row < end)
                {
                    // A tile's rows together: their lines are one stream of memory.
                    var rows = Math.Min(end - row, BandLayout.PlainRows - (row % BandLayout.PlainRows));
                    var scales = (float*)(from + ScaleOffset(layout, row, 0));
                    var step = layout.Precision == WeightPrecision.Int8 ? 0 : 1;
                    var stride = layout.Precision == WeightPrecision.Int8 ? 1 : layout.BlocksPerRow;
                    var line = from + layout.LineOffset(header, row, 0);
                    var at = to + ((long)(row - firstRow) * columns);
                    DecodeLines(line, rows, whole, scales, stride, step, at, columns);
                    for (var i = 0; i < rows; i++)
                    {
                        for (var column = whole * BandLayout.BlockColumns; column < columns; column++)
                            at[((long)i * columns) + column] = (sbyte)line[(whole * TileLine) + (i * BandLayout.LineBytes) + (column % BandLayout.BlockColumns)] * scales[(i * stride) + (whole * step)];
                    }

                    row += rows;
                }
            }
        }
    }

    private const int TileLine = BandLayout.PlainRows * BandLayout.LineBytes;

    [MethodImpl(HotLoop.Options)]
    private static void DecodeLines(byte* line, int rows, int lines, float* scales, int stride, int step, float* destination, int columns)
    {
        for (var i = 0; i < lines; i++, line += TileLine, destination += BandLayout.BlockColumns)
        {
            for (var row = 0; row < rows; row++)
            {
                var scale = Vector256.Create(scales[(row * stride) + (i * step)]);
                var codes = (sbyte*)line + (row * BandLayout.LineBytes);
                var to = destination + ((long)row * columns);
                Sse.Prefetch0(codes + BandProducts.Ahead);
                for (var at = 0; at < BandLayout.LineBytes; at += Vector256<float>.Count)
                    (Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(codes + at)) * scale).Store(to + at);
            }
        }
    }
}
