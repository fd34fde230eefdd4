using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>The scales of a tile's four rows, and their products with those of activations.</summary>
internal static unsafe class TileScales
{
    /// <summary>Numbers that may be read beyond scales, and written beyond where they go.</summary>
    public const int Vector = 8;

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

    /// <summary>Reads the scales of a tile.</summary>
    /// <param name="product">The band and the tokens.</param>
    /// <param name="firstRow">The tile's first row within the band.</param>
    /// <param name="scales">Receives [rows × blocks] of the rows that the band has.</param>
    /// <returns>These rows, 4 at most.</returns>
    public static int Decode(in BandProduct product, int firstRow, float* scales)
    {
        var layout = product.Layout;
        var blocks = layout.BlocksPerRow;
        var rows = Math.Min(Rows, layout.RowsOf(product.Band) - firstRow);
        if (layout.Precision == WeightPrecision.Nf4 && Avx2.IsSupported)
            DecodeSigned((sbyte*)product.Source + layout.ScaleCodesOffsetOf(product.Band), (float*)product.Source, firstRow * blocks, rows * blocks, scales);
        else
            BandScales.DecodeRows(product.Path, layout, product.Band, product.Source, firstRow, new Span<float>(scales, rows * blocks));
        return rows;
    }

    /// <summary>The scales of some rows, block by block; of rows that the band does not have 0.</summary>
    /// <param name="product">The band.</param>
    /// <param name="firstRow">The first row within the band.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="scales">Room for [rows × blocks].</param>
    /// <param name="turned">Receives [blocks × rows].</param>
    public static float* DecodeTurned(in BandProduct product, int firstRow, int rows, float* scales, float* turned)
    {
        var blocks = product.Layout.BlocksPerRow;
        var some = Math.Min(rows, product.RowCount - firstRow);
        BandScales.DecodeRows(product.Path, product.Layout, product.Band, product.Source, firstRow, new Span<float>(scales, some * blocks));
        for (var block = 0; block < blocks; block++)
        {
            for (var row = 0; row < rows; row++)
                turned[((long)block * rows) + row] = row < some ? scales[((long)row * blocks) + block] : 0;
        }

        return turned;
    }

    /// <summary>Asks for the begin of a band, which no stream of weights announces.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(byte* source, int bytes)
    {
        if (!Sse.IsSupported)
            return;

        for (var at = 0; at < bytes; at += BandLayout.LineBytes)
            Sse.Prefetch0(source + at);
    }

    /// <summary>Decodes eight scales a step; what a step writes beyond its group, the next group's first step writes anew.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DecodeSigned(sbyte* codes, float* steps, int first, int count, float* scales)
    {
        for (var done = 0; done < count;)
        {
            // Up to the end of the group, whose blocks share a step.
            var group = (first + done) / BandLayout.GroupBlocks;
            var end = Math.Min(count, ((group + 1) * BandLayout.GroupBlocks) - first);
            var step = Vector256.Create(steps[group]);
            for (; done < end; done += Vector)
                (Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(codes + first + done)) * step).Store(scales + done);
            done = end;
        }
    }

    /// <summary>The scales of a tile times those of one token, each product rounded once, eight a step.</summary>
    /// <param name="scales">The tile's, [rows × blocks].</param>
    /// <param name="rows">Rows that the band has.</param>
    /// <param name="blocks">Blocks of a row.</param>
    /// <param name="x">The token's.</param>
    /// <param name="products">Receives [4 × stride]: after a row's blocks 0.</param>
    /// <param name="stride">Elements from one row to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* scales, int rows, int blocks, float* x, float* products, int stride)
    {
        for (var row = 0; row < Rows; row++, scales += blocks, products += stride)
        {
            for (var i = 0; i < stride; i += Vector)
            {
                var product = row < rows ? Vector256.Load(scales + i) * Vector256.Load(x + i) : default;
                product.Store(products + i);
            }

            for (var i = blocks; i < stride; i++)
                products[i] = 0;
        }
    }
}
