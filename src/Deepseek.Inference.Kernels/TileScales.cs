using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

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

    /// <summary>The scales of a tile times those of one token, each product rounded once.</summary>
    /// <param name="product">The band and the tokens.</param>
    /// <param name="firstRow">The tile's first row within the band.</param>
    /// <param name="token">The token.</param>
    /// <param name="scales">Room for [4 × blocks].</param>
    /// <param name="products">Receives [4 × stride]: after a row's blocks 0.</param>
    /// <param name="stride">Elements from one row to the next.</param>
    public static void DecodeMultiply(in BandProduct product, int firstRow, int token, float* scales, float* products, int stride)
    {
        var layout = product.Layout;
        var blocks = layout.BlocksPerRow;
        var x = product.ActivationScales(token);
        var rows = Math.Min(Rows, layout.RowsOf(product.Band) - firstRow);
        var signed = layout.Precision == WeightPrecision.Nf4 && Avx2.IsSupported;
        if (!signed)
            BandScales.DecodeRows(product.Path, layout, product.Band, product.Source, firstRow, new Span<float>(scales, rows * blocks));
        for (var row = 0; row < rows; row++)
        {
            var to = products + (row * stride);
            if (signed)
                MultiplyRow((sbyte*)product.Source + layout.ScaleCodesOffsetOf(product.Band), (float*)product.Source, (firstRow + row) * blocks, blocks, x, to);
            else
                MultiplyRow(scales + (row * blocks), blocks, x, to);
            new Span<float>(to + blocks, stride - blocks).Clear();
        }

        if (rows < Rows)
            new Span<float>(products + (rows * stride), (Rows - rows) * stride).Clear();
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

    /// <summary>Asks for the scales of a band, which no stream of weights announces.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(byte* source, int headerBytes)
    {
        if (!Sse.IsSupported)
            return;

        for (var at = 0; at < headerBytes; at += BandLayout.LineBytes)
            Sse.Prefetch0(source + at);
    }

    private static void MultiplyRow(float* scales, int count, float* x, float* products)
    {
        for (var i = 0; i < count; i++)
            products[i] = scales[i] * x[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyRow(sbyte* codes, float* steps, int first, int count, float* x, float* products)
    {
        const int Step = 8;
        for (var done = 0; done < count;)
        {
            // Up to the end of the group, whose blocks share a step.
            var end = Math.Min(count, done + BandLayout.GroupBlocks - ((first + done) % BandLayout.GroupBlocks));
            var step = steps[(first + done) / BandLayout.GroupBlocks];
            var steps8 = Vector256.Create(step);
            for (; done <= end - Step; done += Step)
            {
                var eight = Avx2.ConvertToVector256Int32(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(codes + first + done)).AsSByte());
                (Avx.ConvertToVector256Single(eight) * steps8 * Vector256.Load(x + done)).Store(products + done);
            }

            for (; done < end; done++)
                products[done] = codes[first + done] * step * x[done];
        }
    }
}
