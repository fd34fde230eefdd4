using System.Numerics;

namespace Deepseek.Inference.Kernels;

/// <summary>The scales of a tile's four rows, and their products with those of activations.</summary>
internal static unsafe class TileScales
{
    private const int Rows = BandLayout.TileRows;

    /// <summary>Reads the scales of a tile; of rows that the band does not have they are 0.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="layout">Where the matrix' weights lie.</param>
    /// <param name="band">The band, from 0.</param>
    /// <param name="source">The band's bytes.</param>
    /// <param name="firstRow">The tile's first row within the band.</param>
    /// <param name="scales">Receives [4 × blocks of a row].</param>
    public static void Decode(KernelPath path, BandLayout layout, int band, byte* source, int firstRow, float* scales)
    {
        var blocks = layout.BlocksPerRow;
        var rows = Math.Min(Rows, layout.RowsOf(band) - firstRow);
        BandScales.DecodeRows(path, layout, band, source, firstRow, new Span<float>(scales, rows * blocks));
        if (rows < Rows)
            new Span<float>(scales + (rows * blocks), (Rows - rows) * blocks).Clear();
    }

    /// <summary>scales[row, block] · x[block], rounded once.</summary>
    /// <param name="scales">Of the weights, [rows, <paramref name="stride"/> apart].</param>
    /// <param name="stride">Elements from one row to the next.</param>
    /// <param name="x">Of the activations, [count].</param>
    /// <param name="count">Blocks.</param>
    /// <param name="products">Receives [rows × count].</param>
    /// <param name="rows">Rows: a tile's, or some tiles'.</param>
    public static void Multiply(float* scales, int stride, float* x, int count, float* products, int rows = Rows)
    {
        for (var row = 0; row < rows; row++)
        {
            var from = scales + ((long)row * stride);
            var to = products + ((long)row * count);
            var i = 0;
            for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
                (Vector.Load(from + i) * Vector.Load(x + i)).Store(to + i);
            for (; i < count; i++)
                to[i] = from[i] * x[i];
        }
    }
}
