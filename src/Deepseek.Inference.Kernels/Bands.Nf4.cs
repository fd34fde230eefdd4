using System.Buffers.Binary;

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
        FindScales(path, layout, band, new Nf4Blocks(weights, columnImportance, layout.Columns), destination);

        // Weights are encoded by the scales that will be decoded.
        var scales = new float[layout.BlocksPerRow];
        Span<float> last = stackalloc float[Nf4Line.Weights];
        Span<byte> codes = stackalloc byte[BandLayout.LineBytes];
        for (var row = 0; row < layout.RowsOf(band); row++)
        {
            DecodeScales(layout, band, destination, row, scales);
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
                Nf4Line.Encode(path, part[..Nf4Line.Weights], low, high, codes);
                WriteLine(layout, codes, destination[layout.LineOffset(header, row, line)..]);
            }
        }
    }

    /// <summary>Finds the signed scales group by group, and writes them.</summary>
    private static void FindScales(KernelPath path, BandLayout layout, int band, in Nf4Blocks blocks, Span<byte> destination)
    {
        for (var tile = layout.HeaderBytesOf(band); tile < destination.Length; tile += layout.TileBytes)
            destination.Slice(tile, layout.TileHeaderBytes).Clear();

        Span<byte> memory = stackalloc byte[BandLayout.GroupBlocks];
        for (var first = 0; first < blocks.Count; first += BandLayout.GroupBlocks)
        {
            var codes = memory[..Math.Min(BandLayout.GroupBlocks, blocks.Count - first)];
            BinaryPrimitives.WriteSingleLittleEndian(destination[(first / BandLayout.GroupBlocks * sizeof(float))..], Nf4SignedScales.Find(path, blocks, first, codes));
            for (var i = 0; i < codes.Length; i += BandLayout.InterleavedRows)
            {
                var (tile, block) = Math.DivRem((first + i) / BandLayout.InterleavedRows, layout.BlocksPerRow);
                codes.Slice(i, BandLayout.InterleavedRows).CopyTo(destination[layout.ScaleCodeOffset(band, tile * BandLayout.InterleavedRows, block)..]);
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
        Span<byte> codes = stackalloc byte[BandLayout.LineBytes];
        for (var row = firstRow; !destination.IsEmpty; row++)
        {
            var values = destination[..layout.Columns];
            for (var line = 0; line < layout.LinesPerRow; line++)
            {
                if (line % lines == 0)
                {
                    scales = memory[..Math.Min(2 * lines, layout.BlocksPerRow - (2 * line))];
                    DecodeBlockScales(layout, band, source, row, 2 * line, scales);
                }

                var part = values[(line * Nf4Line.Weights)..];
                var whole = part.Length >= Nf4Line.Weights;
                var (low, high) = ScalesOf(scales, line % lines);
                ReadLine(layout, source[layout.LineOffset(header, row, line)..], codes);
                Nf4Line.Decode(path, codes, low, high, whole ? part[..Nf4Line.Weights] : last);
                if (!whole)
                    last[..part.Length].CopyTo(part);
            }

            destination = destination[layout.Columns..];
        }
    }

    /// <summary>Writes a line piece by piece.</summary>
    private static void WriteLine(BandLayout layout, ReadOnlySpan<byte> line, Span<byte> first)
    {
        for (var piece = 0; piece < BandLayout.LineBytes / BandLayout.PieceBytes; piece++)
            line.Slice(piece * BandLayout.PieceBytes, BandLayout.PieceBytes).CopyTo(first[(piece * layout.PieceStride)..]);
    }

    /// <summary>Reads a line piece by piece.</summary>
    private static void ReadLine(BandLayout layout, ReadOnlySpan<byte> first, Span<byte> line)
    {
        for (var piece = 0; piece < BandLayout.LineBytes / BandLayout.PieceBytes; piece++)
            first.Slice(piece * layout.PieceStride, BandLayout.PieceBytes).CopyTo(line[(piece * BandLayout.PieceBytes)..]);
    }

    /// <summary>The scales of whole rows; how many, the destination's length says.</summary>
    internal static void DecodeScales(BandLayout layout, int band, ReadOnlySpan<byte> source, int firstRow, Span<float> scales)
    {
        for (var row = firstRow; !scales.IsEmpty; row++, scales = scales[layout.BlocksPerRow..])
            DecodeBlockScales(layout, band, source, row, 0, scales[..layout.BlocksPerRow]);
    }

    /// <summary>The scales of consecutive blocks of a row.</summary>
    private static void DecodeBlockScales(BandLayout layout, int band, ReadOnlySpan<byte> source, int row, int firstBlock, Span<float> scales)
    {
        var dynamic = layout.Precision == WeightPrecision.Nf4Dynamic;
        var offset = dynamic ? BinaryPrimitives.ReadSingleLittleEndian(source) : 0;
        var factors = source[(dynamic ? sizeof(float) : 0)..];
        var phase = layout.GroupPhaseOf(band);
        var values = DynamicCode8.Values;
        for (var i = 0; i < scales.Length; i++)
        {
            var factor = BinaryPrimitives.ReadSingleLittleEndian(factors[((phase + layout.ScaleIndexOf(row, firstBlock + i)) / BandLayout.GroupBlocks * sizeof(float))..]);
            var code = source[layout.ScaleCodeOffset(band, row, firstBlock + i)];
            scales[i] = dynamic ? (values[code] * factor) + offset : (sbyte)code * factor;
        }
    }

    /// <summary>The scales of a line's two blocks; the last line may have only one.</summary>
    private static (float Low, float High) ScalesOf(ReadOnlySpan<float> scales, int line) => (scales[2 * line], (2 * line) + 1 < scales.Length ? scales[(2 * line) + 1] : 0);
}
