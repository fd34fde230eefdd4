namespace Deepseek.Inference.Kernels;

/// <summary>Writes and reads the bands of a page store's matrices, in every precision; where the weights lie, <see cref="BandLayout"/> says.</summary>
/// <remarks>
/// The bytes depend neither on the instruction set nor on threads. A band's header is little-endian and padded with 0 to whole lines:
/// <list type="table">
/// <item><term>Nf4</term><description>the fp32 step of each 256 blocks, then a signed byte a block: scale = byte · step</description></item>
/// <item><term>Nf4Dynamic</term><description>the fp32 offset, the fp32 factors of the groups of 256 blocks with room for one group more than whole bands need, then a byte a block:
/// scale = <see cref="DynamicCode8.Values"/>[byte] · factor + offset</description></item>
/// <item><term>Int8</term><description>an fp32 scale a row</description></item>
/// <item><term>Int8Block</term><description>an fp32 scale a block of 64 columns, row by row</description></item>
/// <item><term>Fp8</term><description>an fp32 scale for every 128 columns</description></item>
/// <item><term>BF16, F16, F32</term><description>none</description></item>
/// </list>
/// Blocks are counted row by row, but of Nf4 tile by tile, in a tile block by block, and in a block row by row, with rows that fill up the last tile. Thread-safe.
/// </remarks>
public static partial class Bands
{
    /// <summary>Encodes the rows of a band.</summary>
    /// <param name="layout">Where the matrix' weights lie, in any precision but <see cref="WeightPrecision.Nf4Dynamic"/>.</param>
    /// <param name="band">The band, from 0.</param>
    /// <param name="weights">Its weights, [rows of the band × columns].</param>
    /// <param name="columnImportance">How much the square of an error in each column counts, [columns], 0 or more; empty for all alike. Only <see cref="WeightPrecision.Nf4"/> chooses by it.</param>
    /// <param name="destination">Receives the band; every byte is written.</param>
    /// <remarks>
    /// Nf4 searches for the scales of least squared error. 8 bits take the largest magnitude, of a row, of a block of 64 columns, or (Fp8) of the band's part of a block of 128 columns; Fp8's scale is 1
    /// where all weights are 0. BF16, F16 and F32 keep what they are given, to the nearest value.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">The matrix has no such band.</exception>
    /// <exception cref="ArgumentException">A length does not fit, a weight is not finite in a precision that has scales, an importance is not finite or negative, or the precision is Nf4Dynamic.</exception>
    public static void Encode(BandLayout layout, int band, ReadOnlySpan<float> weights, ReadOnlySpan<float> columnImportance, Span<byte> destination) =>
        Encode(KernelPaths.Selected, layout, band, weights, columnImportance, destination);

    /// <summary>Decodes rows of a band.</summary>
    /// <param name="layout">Where the matrix' weights lie.</param>
    /// <param name="band">The band, from 0.</param>
    /// <param name="source">The band's bytes.</param>
    /// <param name="firstRow">The first row to decode, from the band's first.</param>
    /// <param name="rowCount">Rows to decode.</param>
    /// <param name="destination">Receives the weights, [rowCount × columns].</param>
    /// <exception cref="ArgumentOutOfRangeException">The matrix has no such band, or the band no such rows.</exception>
    /// <exception cref="ArgumentException">A length does not fit.</exception>
    public static void Decode(BandLayout layout, int band, ReadOnlySpan<byte> source, int firstRow, int rowCount, Span<float> destination) =>
        Decode(KernelPaths.Selected, layout, band, source, firstRow, rowCount, destination);

    /// <summary>The scales of the blocks of a band in 4 bits, as <see cref="Decode(BandLayout, int, ReadOnlySpan{byte}, int, int, Span{float})"/> uses them.</summary>
    /// <param name="layout">Where the matrix' weights lie, in <see cref="WeightPrecision.Nf4"/> or <see cref="WeightPrecision.Nf4Dynamic"/>.</param>
    /// <param name="band">The band, from 0.</param>
    /// <param name="source">The band's bytes.</param>
    /// <param name="firstRow">The first row, from the band's first.</param>
    /// <param name="rowCount">How many rows.</param>
    /// <param name="scales">Receives the scales, of either sign, [rowCount × blocks of a row].</param>
    /// <exception cref="ArgumentOutOfRangeException">The matrix has no such band, or the band no such rows.</exception>
    /// <exception cref="ArgumentException">A length does not fit, or the precision is another.</exception>
    public static void DecodeScales(BandLayout layout, int band, ReadOnlySpan<byte> source, int firstRow, int rowCount, Span<float> scales)
    {
        if (layout.Precision is not (WeightPrecision.Nf4 or WeightPrecision.Nf4Dynamic))
            throw new ArgumentException($"The precision is {layout.Precision}; only Nf4 and Nf4Dynamic have scales of blocks in 4 bits.", nameof(layout));

        RequireRows(layout, band, source, firstRow, rowCount);
        Lengths.Require(nameof(scales), scales.Length, (long)rowCount * layout.BlocksPerRow);
        DecodeScales(layout, band, source, firstRow, scales);
    }

    internal static void Encode(KernelPath path, BandLayout layout, int band, ReadOnlySpan<float> weights, ReadOnlySpan<float> columnImportance, Span<byte> destination)
    {
        RequireBand(layout, band);
        Lengths.Require(nameof(weights), weights.Length, (long)layout.RowsOf(band) * layout.Columns);
        Lengths.Require(nameof(destination), destination.Length, layout.BytesOf(band));
        RequireImportance(layout, columnImportance);
        switch (layout.Precision)
        {
            case WeightPrecision.Nf4Dynamic:
                throw new ArgumentException($"The precision is Nf4Dynamic, whose scales need the whole matrix; quantize that, then pack its parts with {nameof(PackDynamic)}.", nameof(layout));
            case WeightPrecision.Nf4:
                RequireFinite(layout, band, weights);
                EncodeNf4(path, layout, band, weights, columnImportance, destination);
                break;
            case WeightPrecision.Int8 or WeightPrecision.Int8Block:
                RequireFinite(layout, band, weights);
                EncodeInt8(path, layout, band, weights, destination);
                break;
            case WeightPrecision.Fp8:
                RequireFinite(layout, band, weights);
                EncodeFp8(path, layout, band, weights, destination);
                break;
            default:
                EncodeFloat(path, layout, band, weights, destination);
                break;
        }
    }

    internal static void Decode(KernelPath path, BandLayout layout, int band, ReadOnlySpan<byte> source, int firstRow, int rowCount, Span<float> destination)
    {
        RequireRows(layout, band, source, firstRow, rowCount);
        Lengths.Require(nameof(destination), destination.Length, (long)rowCount * layout.Columns);
        switch (layout.Precision)
        {
            case WeightPrecision.Nf4 or WeightPrecision.Nf4Dynamic:
                DecodeNf4(path, layout, band, source, firstRow, destination);
                break;
            case WeightPrecision.Int8 or WeightPrecision.Int8Block:
                DecodeInt8(path, layout, band, source, firstRow, destination);
                break;
            case WeightPrecision.Fp8:
                DecodeFp8(path, layout, band, source, firstRow, destination);
                break;
            default:
                DecodeFloat(path, layout, source, firstRow, destination);
                break;
        }
    }
}
