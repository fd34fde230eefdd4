namespace Deepseek.Inference.Kernels;

/// <summary>Where the bands of a matrix begin in a piece of memory that may hold another matrix between them.</summary>
/// <param name="First">Offset of the first band, where it is not the last one as well.</param>
/// <param name="Stride">Bytes from one band's begin to the next one's.</param>
/// <param name="Last">Offset of the last band, which may be shorter.</param>
/// <param name="Count">Bands.</param>
public readonly record struct BandPlacement(long First, long Stride, long Last, int Count)
{
    /// <summary>A matrix whose bands follow one another.</summary>
    /// <param name="layout">The matrix.</param>
    /// <param name="offset">Offset of its first byte.</param>
    public static BandPlacement Contiguous(BandLayout layout, long offset = 0) =>
        new(offset, layout.BandCount > 1 ? layout.OffsetOf(1) : 0, offset + layout.OffsetOf(layout.BandCount - 1), layout.BandCount);

    /// <summary>Two matrices of one layout whose bands take turns, from offset 0.</summary>
    /// <param name="layout">Either matrix.</param>
    public static (BandPlacement Even, BandPlacement Odd) Interleaved(BandLayout layout)
    {
        var full = layout.BandCount > 1 ? layout.OffsetOf(1) : 0;
        var last = 2 * layout.OffsetOf(layout.BandCount - 1);
        return (new(0, 2 * full, last, layout.BandCount), new(full, 2 * full, last + layout.BytesOf(layout.BandCount - 1), layout.BandCount));
    }

    /// <summary>Offset of a band.</summary>
    /// <param name="band">The band, from 0.</param>
    public long OffsetOf(int band) => band == Count - 1 ? Last : First + (band * Stride);
}
