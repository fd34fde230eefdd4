using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

// 4 bits, with either kind of scales.
public static partial class Bands
{
    private const byte ZeroPair = Nf4.ZeroCode << 4 | Nf4.ZeroCode;

    private static void EncodeNf4(KernelPath path, BandLayout layout, int band, ReadOnlySpan<float> weights, ReadOnlySpan<float> columnImportance, Span<byte> destination)
    {
        var header = layout.HeaderBytesOf(band);
        destination[..header].Clear();
        destination[header..].Fill(ZeroPair);
        Nf4SignedScales.Find(path, new Nf4Blocks(weights, columnImportance, layout.Columns), destination[..header]);

        // Weights are encoded by the scales that will be decoded.
        var scales = new float[layout.BlocksPerRow];
        Span<float> last = stackalloc float[Nf4Line.Weights];
        for (var row = 0; row < layout.RowsOf(band); row++)
        {
            DecodeScales(path, layout, band, destination, row, scales);
            var values = weights.Slice(row * layout.Columns, layout.Columns);
            for (var line = 0; line < layout.LinesPerRow; line++)
            {
                scoped var part = values[(line * Nf4Line.Weights)..];
                if (part.Length < Nf4Line.Weights)
                {
                    last.Clear();
                    part.CopyTo(last);
                    part = last;
                }

                var (low, high) = ScalesOf(scales, line);
                Nf4Line.Encode(path, part[..Nf4Line.Weights], low, high, destination.Slice(layout.LineOffset(header, row, line), BandLayout.LineBytes));
            }
        }
    }

    private static void DecodeNf4(KernelPath path, BandLayout layout, int band, ReadOnlySpan<byte> source, int firstRow, Span<float> destination)
    {
        const int lines = 128; // whose scales are decoded at once, on the stack: 16,384 columns
        var header = layout.HeaderBytesOf(band);
        Span<float> memory = stackalloc float[2 * lines];
        var scales = memory;
        Span<float> last = stackalloc float[Nf4Line.Weights];
        for (var row = firstRow; !destination.IsEmpty; row++)
        {
            var values = destination[..layout.Columns];
            for (var line = 0; line < layout.LinesPerRow; line++)
            {
                if (line % lines == 0)
                {
                    scales = memory[..Math.Min(2 * lines, layout.BlocksPerRow - (2 * line))];
                    DecodeBlockScales(path, layout, band, source, (row * layout.BlocksPerRow) + (2 * line), scales);
                }

                var part = values[(line * Nf4Line.Weights)..];
                var whole = part.Length >= Nf4Line.Weights;
                var (low, high) = ScalesOf(scales, line % lines);
                Nf4Line.Decode(path, source.Slice(layout.LineOffset(header, row, line), BandLayout.LineBytes), low, high, whole ? part[..Nf4Line.Weights] : last);
                if (!whole)
                    last[..part.Length].CopyTo(part);
            }

            destination = destination[layout.Columns..];
        }
    }

    /// <summary>The scales of whole rows; how many, the destination's length says.</summary>
    internal static void DecodeScales(KernelPath path, BandLayout layout, int band, ReadOnlySpan<byte> source, int firstRow, Span<float> scales) =>
        DecodeBlockScales(path, layout, band, source, firstRow * layout.BlocksPerRow, scales);

    /// <summary>The scales of consecutive blocks, counted row by row from the band's first.</summary>
    private static void DecodeBlockScales(KernelPath path, BandLayout layout, int band, ReadOnlySpan<byte> source, int first, Span<float> scales)
    {
        var dynamic = layout.Precision == WeightPrecision.Nf4Dynamic;
        var codes = source.Slice(layout.ScaleCodesOffsetOf(band) + first, scales.Length);
        var offset = dynamic ? BinaryPrimitives.ReadSingleLittleEndian(source) : 0;
        var factors = source[(dynamic ? sizeof(float) : 0)..];
        var phase = layout.GroupPhaseOf(band) + first;
        for (var done = 0; done < scales.Length;)
        {
            var (group, within) = Math.DivRem(phase + done, BandLayout.GroupBlocks);
            var count = Math.Min(BandLayout.GroupBlocks - within, scales.Length - done);
            var factor = BinaryPrimitives.ReadSingleLittleEndian(factors[(group * sizeof(float))..]);
            if (dynamic)
                DecodeDynamic(codes.Slice(done, count), factor, offset, scales.Slice(done, count));
            else
                Int8Codes.Decode(path, MemoryMarshal.Cast<byte, sbyte>(codes.Slice(done, count)), factor, scales.Slice(done, count));
            done += count;
        }
    }

    private static void DecodeDynamic(ReadOnlySpan<byte> codes, float factor, float offset, Span<float> scales)
    {
        var values = DynamicCode8.Values;
        for (var i = 0; i < codes.Length; i++)
            scales[i] = (values[codes[i]] * factor) + offset;
    }

    /// <summary>The scales of a line's two blocks; the last line may have only one.</summary>
    private static (float Low, float High) ScalesOf(ReadOnlySpan<float> scales, int line) => (scales[2 * line], (2 * line) + 1 < scales.Length ? scales[(2 * line) + 1] : 0);
}
