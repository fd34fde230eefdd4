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

    /// <summary>scales[row, block] · x[block], rounded once.</summary>
    /// <param name="scales">Of the weights, [rows, <paramref name="stride"/> apart].</param>
    /// <param name="stride">Elements from one row to the next.</param>
    /// <param name="x">Of the activations, [count].</param>
    /// <param name="count">Blocks.</param>
    /// <param name="products">Receives [rows × count].</param>
    /// <param name="rows">Rows: a tile's, or some tiles'.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* scales, int stride, float* x, int count, float* products, int rows = Rows)
    {
        var whole = count - (count % Vector256<float>.Count);
        for (var row = 0; row < rows; row++, scales += stride, products += count)
        {
            for (var i = 0; i < whole; i += Vector256<float>.Count)
                (Vector256.Load(scales + i) * Vector256.Load(x + i)).Store(products + i);
            for (var i = whole; i < count; i++)
                products[i] = scales[i] * x[i];
        }
    }

    /// <summary>The scales of a tile times those of one token: <see cref="Decode"/>, then <see cref="Multiply"/>, in one pass where the scales are signed bytes.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="layout">Where the matrix' weights lie.</param>
    /// <param name="band">The band, from 0.</param>
    /// <param name="source">The band's bytes.</param>
    /// <param name="firstRow">The tile's first row within the band.</param>
    /// <param name="x">Of the activations, [blocks].</param>
    /// <param name="scales">Room for [4 × blocks].</param>
    /// <param name="products">Receives [4 × blocks].</param>
    public static void DecodeMultiply(KernelPath path, BandLayout layout, int band, byte* source, int firstRow, float* x, float* scales, float* products)
    {
        var blocks = layout.BlocksPerRow;
        if (layout.Precision != WeightPrecision.Nf4 || path is not (KernelPath.Avx2 or KernelPath.Avx512))
        {
            Decode(path, layout, band, source, firstRow, scales);
            Multiply(scales, blocks, x, blocks, products);
            return;
        }

        var codes = (sbyte*)source + layout.ScaleCodesOffsetOf(band);
        var rows = Math.Min(Rows, layout.RowsOf(band) - firstRow);
        for (var row = 0; row < rows; row++)
            MultiplyRow(codes, (float*)source, (firstRow + row) * blocks, blocks, x, products + (row * blocks));
        if (rows < Rows)
            new Span<float>(products + (rows * blocks), (Rows - rows) * blocks).Clear();
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
