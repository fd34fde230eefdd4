using System.Buffers.Binary;

namespace Deepseek.Inference.Kernels;

// The parts of which bitsandbytes makes a matrix, in and out.
public static partial class Bands
{
    /// <summary>Writes a band from the parts in which bitsandbytes keeps a matrix, bit for bit.</summary>
    /// <param name="layout">Where the matrix' weights lie, in <see cref="WeightPrecision.Nf4Dynamic"/>; its columns are a multiple of 64.</param>
    /// <param name="band">The band, from 0.</param>
    /// <param name="codes">Its codes, two a byte, the earlier column in the high nibble, [rows of the band × columns / 2].</param>
    /// <param name="scaleCodes">The codes of its blocks' scales, [rows of the band × blocks of a row].</param>
    /// <param name="groupScales">The factors of the groups that the band touches, [<see cref="BandLayout.GroupsOf"/>].</param>
    /// <param name="offset">What is added to every scale.</param>
    /// <param name="destination">Receives the band; every byte is written.</param>
    /// <exception cref="ArgumentOutOfRangeException">The matrix has no such band.</exception>
    /// <exception cref="ArgumentException">A length does not fit, the precision is another, or the columns are not a multiple of 64.</exception>
    public static void PackDynamic(
        BandLayout layout, int band, ReadOnlySpan<byte> codes, ReadOnlySpan<byte> scaleCodes, ReadOnlySpan<float> groupScales, float offset, Span<byte> destination) =>
        PackDynamic(KernelPaths.Selected, layout, band, codes, scaleCodes, groupScales, offset, destination);

    /// <summary>Takes the parts of bitsandbytes out of a band, bit for bit.</summary>
    /// <param name="layout">Where the matrix' weights lie, in <see cref="WeightPrecision.Nf4Dynamic"/>; its columns are a multiple of 64.</param>
    /// <param name="band">The band, from 0.</param>
    /// <param name="source">The band's bytes.</param>
    /// <param name="codes">Receives its codes, two a byte, the earlier column in the high nibble, [rows of the band × columns / 2].</param>
    /// <param name="scaleCodes">Receives the codes of its blocks' scales, [rows of the band × blocks of a row].</param>
    /// <param name="groupScales">Receives the factors of the groups that the band touches, [<see cref="BandLayout.GroupsOf"/>].</param>
    /// <param name="offset">What is added to every scale.</param>
    /// <exception cref="ArgumentOutOfRangeException">The matrix has no such band.</exception>
    /// <exception cref="ArgumentException">A length does not fit, the precision is another, or the columns are not a multiple of 64.</exception>
    public static void UnpackDynamic(BandLayout layout, int band, ReadOnlySpan<byte> source, Span<byte> codes, Span<byte> scaleCodes, Span<float> groupScales, out float offset) =>
        UnpackDynamic(KernelPaths.Selected, layout, band, source, codes, scaleCodes, groupScales, out offset);

    internal static void PackDynamic(
        KernelPath path, BandLayout layout, int band, ReadOnlySpan<byte> codes, ReadOnlySpan<byte> scaleCodes, ReadOnlySpan<float> groupScales, float offset, Span<byte> destination)
    {
        RequireParts(layout, band, codes.Length, scaleCodes.Length, groupScales.Length);
        Lengths.Require(nameof(destination), destination.Length, layout.BytesOf(band));

        var header = layout.HeaderBytesOf(band);
        destination[..header].Clear();
        destination[header..].Fill(ZeroPair);
        BinaryPrimitives.WriteSingleLittleEndian(destination, offset);
        for (var group = 0; group < groupScales.Length; group++)
            BinaryPrimitives.WriteSingleLittleEndian(destination[((group + 1) * sizeof(float))..], groupScales[group]);
        scaleCodes.CopyTo(destination[layout.FactorBytesOf(band)..]);

        Span<byte> part = stackalloc byte[BandLayout.LineBytes];
        Span<byte> zeros = stackalloc byte[Nf4Line.PairBytes];
        zeros.Fill(ZeroPair);
        for (var row = 0; row < layout.RowsOf(band); row++)
        {
            for (var line = 0; line < layout.LinesPerRow; line++)
            {
                var low = PairsOffset(layout, row, 2 * line);
                var high = (2 * line) + 1 < layout.BlocksPerRow ? codes.Slice(low + Nf4Line.PairBytes, Nf4Line.PairBytes) : zeros;
                Nf4Line.FromPairs(path, codes.Slice(low, Nf4Line.PairBytes), high, part);
                WriteLine(part, destination[layout.LineOffset(header, row, line)..]);
            }
        }
    }

    internal static void UnpackDynamic(
        KernelPath path, BandLayout layout, int band, ReadOnlySpan<byte> source, Span<byte> codes, Span<byte> scaleCodes, Span<float> groupScales, out float offset)
    {
        RequireParts(layout, band, codes.Length, scaleCodes.Length, groupScales.Length);
        Lengths.Require(nameof(source), source.Length, layout.BytesOf(band));

        offset = BinaryPrimitives.ReadSingleLittleEndian(source);
        for (var group = 0; group < groupScales.Length; group++)
            groupScales[group] = BinaryPrimitives.ReadSingleLittleEndian(source[((group + 1) * sizeof(float))..]);
        source.Slice(layout.FactorBytesOf(band), scaleCodes.Length).CopyTo(scaleCodes);

        var header = layout.HeaderBytesOf(band);
        Span<byte> part = stackalloc byte[BandLayout.LineBytes];
        Span<byte> beyond = stackalloc byte[Nf4Line.PairBytes];
        for (var row = 0; row < layout.RowsOf(band); row++)
        {
            for (var line = 0; line < layout.LinesPerRow; line++)
            {
                var low = PairsOffset(layout, row, 2 * line);
                var high = (2 * line) + 1 < layout.BlocksPerRow ? codes.Slice(low + Nf4Line.PairBytes, Nf4Line.PairBytes) : beyond;
                ReadLine(source[layout.LineOffset(header, row, line)..], part);
                Nf4Line.ToPairs(path, part, codes.Slice(low, Nf4Line.PairBytes), high);
            }
        }
    }

    private static int PairsOffset(BandLayout layout, int row, int block) => ((row * layout.BlocksPerRow) + block) * Nf4Line.PairBytes;

    private static void RequireParts(BandLayout layout, int band, int codes, int scaleCodes, int groupScales)
    {
        RequirePrecision(layout, WeightPrecision.Nf4Dynamic);
        RequireBand(layout, band);
        if (layout.Columns % BandLayout.BlockColumns != 0)
        {
            throw new ArgumentException(
                Invariant($"The matrix has {layout.Columns} columns; they must be a multiple of {BandLayout.BlockColumns}, since the blocks of bitsandbytes would run from one row into the next."), nameof(layout));
        }

        var rows = layout.RowsOf(band);
        Lengths.Require(nameof(codes), codes, (long)rows * layout.Columns / 2);
        Lengths.Require(nameof(scaleCodes), scaleCodes, (long)rows * layout.BlocksPerRow);
        Lengths.Require(nameof(groupScales), groupScales, layout.GroupsOf(band));
    }
}
