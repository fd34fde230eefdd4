using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels;

// 4 bits, with either kind of scales.
public static partial class Bands
{
    // From a line's first piece to the end of its last one.
    private const int PiecesLength = (((BandLayout.LineBytes / BandLayout.PieceBytes) - 1) * BandLayout.LineBytes) + BandLayout.PieceBytes;

    // Half of a tile; and blocks of a row whose scales are decoded at once, on the stack: 16,384 columns.
    private const int TogetherRows = BandLayout.InterleavedRows / 2;
    private const int TogetherBlocks = 256;

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
                WriteLine(codes, destination[layout.LineOffset(header, row, line)..]);
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
        var (header, linesPerRow, blocks) = (layout.HeaderBytesOf(band), layout.LinesPerRow, layout.BlocksPerRow);
        Span<byte> lines = stackalloc byte[TogetherRows * BandLayout.LineBytes];
        Span<float> scales = stackalloc float[TogetherRows * TogetherBlocks];
        for (var row = firstRow; !destination.IsEmpty;)
        {
            // Half of a tile is turned at once, where all of it is asked for.
            var together = path >= KernelPath.Avx2 && row % TogetherRows == 0 && destination.Length >= TogetherRows * layout.Columns ? TogetherRows : 1;
            for (var line = 0; line < linesPerRow; line++)
            {
                var block = 2 * line % TogetherBlocks;
                for (var i = 0; block == 0 && i < together; i++)
                    DecodeBlockScales(layout, band, source, row + i, 2 * line, scales.Slice(i * TogetherBlocks, Math.Min(TogetherBlocks, blocks - (2 * line))));
                ReadLines(source[layout.LineOffset(header, row, line)..], lines[..(together * BandLayout.LineBytes)]);
                for (var i = 0; i < together; i++)
                    DecodeLine(path, lines.Slice(i * BandLayout.LineBytes, BandLayout.LineBytes), scales.Slice((i * TogetherBlocks) + block, 2), destination.Slice(i * layout.Columns, layout.Columns)[(line * Nf4Line.Weights)..]);
            }

            row += together;
            destination = destination[(together * layout.Columns)..];
        }
    }

    /// <summary>Decodes a line, of which the row may have a part only.</summary>
    private static void DecodeLine(KernelPath path, ReadOnlySpan<byte> line, ReadOnlySpan<float> scales, Span<float> destination)
    {
        if (destination.Length >= Nf4Line.Weights)
        {
            Nf4Line.Decode(path, line, scales[0], scales[1], destination[..Nf4Line.Weights]);
            return;
        }

        Span<float> all = stackalloc float[Nf4Line.Weights];
        Nf4Line.Decode(path, line, scales[0], scales[1], all);
        all[..destination.Length].CopyTo(destination);
    }

    /// <summary>Reads a line of one row, or of eight whose pieces lie side by side.</summary>
    private static unsafe void ReadLines(ReadOnlySpan<byte> first, Span<byte> lines)
    {
        if (lines.Length == BandLayout.LineBytes)
        {
            ReadLine(first, lines);
            return;
        }

        const int half = BandLayout.LineBytes / 2;
        const int fourPieces = 4 * BandLayout.LineBytes;
        fixed (byte* from = first[..(PiecesLength + (BandLayout.PieceBytes * (TogetherRows - 1)))], to = lines)
        {
            BandProduct.Prefetch(from, BandProducts.Ahead, BandProducts.Ahead + PiecesLength);
            Transposition.Eight(from, from + fourPieces, BandLayout.LineBytes, to, BandLayout.LineBytes);
            Transposition.Eight(from + (2 * fourPieces), from + (3 * fourPieces), BandLayout.LineBytes, to + half, BandLayout.LineBytes);
        }
    }

    /// <summary>Writes a line piece by piece.</summary>
    private static void WriteLine(ReadOnlySpan<byte> line, Span<byte> first) =>
        MovePieces(ref MemoryMarshal.GetReference(line[..BandLayout.LineBytes]), BandLayout.PieceBytes, ref MemoryMarshal.GetReference(first[..PiecesLength]), BandLayout.LineBytes);

    /// <summary>Reads a line piece by piece.</summary>
    private static void ReadLine(ReadOnlySpan<byte> first, Span<byte> line) =>
        MovePieces(ref MemoryMarshal.GetReference(first[..PiecesLength]), BandLayout.LineBytes, ref MemoryMarshal.GetReference(line[..BandLayout.LineBytes]), BandLayout.PieceBytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MovePieces(ref byte from, nint fromStep, ref byte to, nint toStep)
    {
        for (var piece = 0; piece < BandLayout.LineBytes / BandLayout.PieceBytes; piece++)
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref to, piece * toStep), Unsafe.ReadUnaligned<int>(ref Unsafe.Add(ref from, piece * fromStep)));
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
        var codes = source[layout.ScaleCodeOffset(band, row, firstBlock)..];
        var factors = MemoryMarshal.Cast<byte, float>(source[..layout.FactorBytesOf(band)]);
        var index = layout.GroupPhaseOf(band) + layout.ScaleIndexOf(row, firstBlock);
        if (layout.Precision == WeightPrecision.Nf4Dynamic)
        {
            var offset = factors[0];
            for (var i = 0; i < scales.Length; i++)
                scales[i] = (DynamicCode8.Values[codes[i]] * factors[1 + ((index + i) / BandLayout.GroupBlocks)]) + offset;
            return;
        }

        const int apart = BandLayout.InterleavedRows; // from a block of the row to its next one
        for (var i = 0; i < scales.Length; i++)
            scales[i] = (sbyte)codes[i * apart] * factors[(index + (i * apart)) / BandLayout.GroupBlocks];
    }

    /// <summary>The scales of a line's two blocks; the last line may have only one.</summary>
    private static (float Low, float High) ScalesOf(ReadOnlySpan<float> scales, int line) => (scales[2 * line], (2 * line) + 1 < scales.Length ? scales[(2 * line) + 1] : 0);
}
