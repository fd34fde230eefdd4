using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>The scales of a tile's four rows, and their products with those of activations.</summary>
/// <remarks>Kernels read them in groups of eight blocks: those of the first row, of the second, of the third and of the fourth; [groups × 4 × 8]. What has no block or no row is 0.</remarks>
internal static unsafe class TileScales
{
    /// <summary>Blocks of a group, and numbers that may be read beyond scales.</summary>
    public const int Vector = 8;

    /// <summary>Numbers of a group.</summary>
    public const int GroupLength = Rows * Vector;

    private const int Rows = BandLayout.TileRows;

    /// <summary>Reads the scales of some rows, row by row; of rows that the band does not have they are 0.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="layout">Where the matrix' weights lie.</param>
    /// <param name="band">The band, from 0.</param>
    /// <param name="source">The band's bytes.</param>
    /// <param name="firstRow">The first row within the band.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="scales">Receives [rows × blocks of a row].</param>
    public static void Decode(KernelPath path, BandLayout layout, int band, byte* source, int firstRow, int rows, float* scales)
    {
        var blocks = layout.BlocksPerRow;
        var some = Math.Min(rows, layout.RowsOf(band) - firstRow);
        BandScales.DecodeRows(path, layout, band, source, firstRow, new Span<float>(scales, some * blocks));
        new Span<float>(scales + (some * blocks), (rows - some) * blocks).Clear();
    }

    /// <summary>Reads the scales of a tile in groups.</summary>
    /// <param name="product">The band and the tokens.</param>
    /// <param name="firstRow">The first row within the band.</param>
    /// <param name="groups">Receives [groups × 4 × 8].</param>
    /// <param name="scratch">Room for [4 × blocks of a row].</param>
    public static void DecodeGroups(in BandProduct product, int firstRow, float* groups, float* scratch)
    {
        var layout = product.Layout;
        var blocks = product.Blocks;
        if (layout.Precision == WeightPrecision.Nf4 && Avx2.IsSupported)
        {
            var rows = Math.Min(Rows, product.RowCount - firstRow);
            DecodeSigned((sbyte*)product.Source + product.ScaleCodes, (float*)product.Source, firstRow * blocks, rows, blocks, groups);
            return;
        }

        Decode(product.Path, layout, product.Band, product.Source, firstRow, Rows, scratch);
        new Span<float>(groups, (int)Lengths.CeilDiv(blocks, Vector) * GroupLength).Clear();
        for (var row = 0; row < Rows; row++)
        {
            for (var block = 0; block < blocks; block++)
                groups[(block / Vector * GroupLength) + (row * Vector) + (block % Vector)] = scratch[(row * blocks) + block];
        }
    }

    /// <summary>The scales of a band, block by block; of rows that it does not have 0.</summary>
    /// <param name="product">The band.</param>
    /// <param name="scales">Room for [64 × blocks].</param>
    /// <param name="turned">Receives [blocks × 64].</param>
    public static void DecodeTurned(in BandProduct product, float* scales, float* turned)
    {
        const int rows = BandLayout.BandRows;
        var blocks = product.Blocks;
        Decode(product.Path, product.Layout, product.Band, product.Source, 0, rows, scales);
        var whole = Avx2.IsSupported ? blocks / Vector * Vector : 0;
        for (var row = 0; row < rows; row += Vector)
        {
            for (var block = 0; block < whole; block += Vector)
                LaneSum.Transpose((byte*)(scales + (row * blocks) + block), blocks * sizeof(float), (byte*)(turned + ((long)block * rows) + row), rows * sizeof(float));
        }

        for (var block = whole; block < blocks; block++)
        {
            for (var row = 0; row < rows; row++)
                turned[((long)block * rows) + row] = scales[((long)row * blocks) + block];
        }
    }

    /// <summary>The scales of a tile times those of one token, each product rounded once.</summary>
    /// <param name="groups">The tile's.</param>
    /// <param name="blocks">Blocks of a row.</param>
    /// <param name="x">The token's.</param>
    /// <param name="products">Receives as many as there are scales.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* groups, int blocks, float* x, float* products)
    {
        for (; blocks >= Vector; blocks -= Vector, x += Vector, groups += GroupLength, products += GroupLength)
            MultiplyGroup(groups, Vector256.Load(x), products);
        if (blocks > 0)
            MultiplyGroup(groups, Vector256.Load(x) & Below(blocks), products);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyGroup(float* group, Vector256<float> x, float* products)
    {
        (Vector256.Load(group) * x).Store(products);
        (Vector256.Load(group + Vector) * x).Store(products + Vector);
        (Vector256.Load(group + (2 * Vector)) * x).Store(products + (2 * Vector));
        (Vector256.Load(group + (3 * Vector)) * x).Store(products + (3 * Vector));
    }

    /// <summary>Decodes eight scales a step; what is read beyond a row's is not kept.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DecodeSigned(sbyte* codes, float* steps, int first, int rows, int blocks, float* groups)
    {
        for (var row = 0; row < Rows; row++, first += blocks, groups += Vector)
        {
            var to = groups;
            var rest = row < rows ? blocks : 0;
            var code = codes + first;
            if ((uint)first / BandLayout.GroupBlocks == (uint)(first + blocks - 1) / BandLayout.GroupBlocks)
            {
                var step = Vector256.Create(steps[(uint)first / BandLayout.GroupBlocks]);
                for (; rest >= Vector; rest -= Vector, code += Vector, to += GroupLength)
                    (Read(code) * step).Store(to);
                if (rest > 0)
                    (Read(code) * step & Below(rest)).Store(to);
            }
            else
            {
                for (; rest > 0; rest -= Vector, code += Vector, to += GroupLength)
                    (Read(code) * StepsOf(steps, (int)(code - codes)) & Below(rest)).Store(to);
            }

            for (rest = row < rows ? 0 : blocks; rest > 0; rest -= Vector, to += GroupLength)
                Vector256<float>.Zero.Store(to);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Read(sbyte* codes) => Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(codes));

    /// <summary>The steps of eight consecutive scales: one, but where a group of <see cref="BandLayout.GroupBlocks"/> ends among them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> StepsOf(float* steps, int first)
    {
        var (group, within) = ((uint)first / BandLayout.GroupBlocks, first & (BandLayout.GroupBlocks - 1));
        return within <= BandLayout.GroupBlocks - Vector
            ? Vector256.Create(steps[group])
            : Vector256.ConditionalSelect(Below(BandLayout.GroupBlocks - within), Vector256.Create(steps[group]), Vector256.Create(steps[group + 1]));
    }

    /// <summary>All bits of the first elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Below(int count) => Vector256.LessThan(Vector256<int>.Indices, Vector256.Create(count)).AsSingle();
}
