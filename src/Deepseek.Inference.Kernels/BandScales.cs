using System.Runtime.CompilerServices;

namespace Deepseek.Inference.Kernels;

/// <summary>The scales of a band's blocks of 64 columns, of all precisions that multiply by them.</summary>
internal static unsafe class BandScales
{
    /// <summary>Reads the scales of whole rows; how many, the length of their place says.</summary>
    /// <param name="layout">Where the matrix' weights lie.</param>
    /// <param name="band">The band, from 0.</param>
    /// <param name="source">The band's bytes.</param>
    /// <param name="firstRow">The first row, from the band's first.</param>
    /// <param name="scales">Receives the scales, [rows × blocks of a row].</param>
    public static void DecodeRows(BandLayout layout, int band, byte* source, int firstRow, Span<float> scales)
    {
        var blocks = layout.BlocksPerRow;
        switch (layout.Precision)
        {
            case WeightPrecision.Int8:
                for (var row = 0; row < scales.Length / blocks; row++)
                    scales.Slice(row * blocks, blocks).Fill(Unsafe.ReadUnaligned<float>(source + ((firstRow + row) * sizeof(float))));
                break;
            case WeightPrecision.Int8Block:
                new ReadOnlySpan<float>((float*)source + ((long)firstRow * blocks), scales.Length).CopyTo(scales);
                break;
            default:
                Bands.DecodeScales(layout, band, new ReadOnlySpan<byte>(source, layout.BytesOf(band)), firstRow, scales);
                break;
        }
    }
}
