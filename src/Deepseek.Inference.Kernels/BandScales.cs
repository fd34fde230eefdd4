using System.Runtime.CompilerServices;

namespace Deepseek.Inference.Kernels;

/// <summary>The scales of a band's blocks of 64 columns, of all precisions that multiply by them.</summary>
internal static unsafe class BandScales
{
    /// <summary>Reads the scales of a row.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="layout">Where the matrix' weights lie.</param>
    /// <param name="band">The band, from 0.</param>
    /// <param name="source">The band's bytes.</param>
    /// <param name="row">The row, from the band's first.</param>
    /// <param name="scales">Receives the scales, [blocks of a row].</param>
    public static void Decode(KernelPath path, BandLayout layout, int band, byte* source, int row, Span<float> scales)
    {
        switch (layout.Precision)
        {
            case WeightPrecision.Int8:
                scales.Fill(Unsafe.ReadUnaligned<float>(source + (row * sizeof(float))));
                break;
            case WeightPrecision.Int8Block:
                new ReadOnlySpan<float>((float*)source + ((long)row * layout.BlocksPerRow), layout.BlocksPerRow).CopyTo(scales);
                break;
            default:
                Bands.DecodeScales(path, layout, band, new ReadOnlySpan<byte>(source, layout.HeaderBytesOf(band)), row, scales);
                break;
        }
    }
}
