using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>The scales of some rows of a band, as kernels read them: block by block, in a block row by row.</summary>
internal static unsafe class TileScales
{
    private const int Tile = TileSource.Rows;
    private const int Vector = 8;

    /// <summary>Reads the scales of some rows, row by row; of rows that the band does not have they are 0.</summary>
    /// <param name="product">The band.</param>
    /// <param name="firstRow">The first row within the band.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="scales">Receives [rows × blocks of a row].</param>
    public static void Decode(in BandProduct product, int firstRow, int rows, float* scales)
    {
        var blocks = product.Blocks;
        var some = Math.Clamp(product.RowCount - firstRow, 0, rows);
        BandScales.DecodeRows(product.Layout, product.Band, product.Source, firstRow, new Span<float>(scales, some * blocks));
        new Span<float>(scales + (some * blocks), (rows - some) * blocks).Clear();
    }

    /// <summary>Reads the scales of some rows, block by block; of rows that the band does not have they are 0.</summary>
    /// <param name="product">The band.</param>
    /// <param name="firstRow">The first row within the band, a multiple of 16.</param>
    /// <param name="rows">Rows, a multiple of 16.</param>
    /// <param name="turned">Receives [blocks of a row × rows].</param>
    /// <param name="scratch">Room for as many.</param>
    public static void DecodeTurned(in BandProduct product, int firstRow, int rows, float* turned, float* scratch)
    {
        var blocks = product.Blocks;
        if (product.Layout.Precision == WeightPrecision.Nf4 && Avx2.IsSupported)
        {
            for (var row = 0; row < rows; row += Tile)
                DecodeSigned(product, firstRow + row, turned + row, rows);
            return;
        }

        Decode(product, firstRow, rows, scratch);
        var whole = blocks / Vector * Vector;
        for (var row = 0; row < rows; row += Vector)
        {
            for (var block = 0; block < whole; block += Vector)
            {
                var from = (byte*)(scratch + (row * blocks) + block);
                Transposition.Eight(from, from + (Vector / 2 * blocks * sizeof(float)), blocks * sizeof(float), (byte*)(turned + ((long)block * rows) + row), rows * sizeof(float));
            }
        }

        for (var block = whole; block < blocks; block++)
        {
            for (var row = 0; row < rows; row++)
                turned[((long)block * rows) + row] = scratch[((long)row * blocks) + block];
        }
    }

    /// <summary>A tile's signed scales, which are stored in this order. A block's 16 share a step.</summary>
    [MethodImpl(HotLoop.Options)]
    private static void DecodeSigned(in BandProduct product, int row, float* turned, int stride)
    {
        var index = (uint)product.Layout.ScaleIndexOf(row, 0);
        var codes = (sbyte*)product.Tile(row);
        for (var left = product.Blocks; left > 0; left--, index += Tile, codes += Tile, turned += stride)
        {
            if (row >= product.RowCount)
            {
                new Span<float>(turned, Tile).Clear();
                continue;
            }

            var step = Vector256.Create(((float*)product.Source)[index / BandLayout.GroupBlocks]);
            (Read(codes) * step).Store(turned);
            (Read(codes + Vector) * step).Store(turned + Vector);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Read(sbyte* codes) => Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(codes));
}
