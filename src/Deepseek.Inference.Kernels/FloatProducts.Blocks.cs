using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// What is kept in which cache while rows are multiplied. The partial sums of a block of outputs lie in memory between two blocks of columns, so that blocks change no order.
internal static unsafe partial class FloatProducts
{
    // 24 tokens' activations of 1,024 columns take 96 KB and serve 16 rows from the second-level cache; three of them lie in the first one. The partial sums take 24 KB.
    private const int TokenBlock = 24;
    private const int RowBlock = 16;
    private const int ColumnBlock = 1024;

    /// <summary>Rows of a tile for one token; a block of rows is a multiple.</summary>
    private const int NarrowRows = 4;

    /// <summary>Elements from one token's partial sums to the next one's; those of a row lie <see cref="Lanes"/> apart.</summary>
    private const int TokenSums = RowBlock * Lanes;

    [SkipLocalsInit]
    private static void MultiplyBlocks(KernelPath path, float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* y, long yStride)
    {
        const int alignment = Lanes * sizeof(float); // a cache line
        var memory = stackalloc byte[(TokenBlock * TokenSums * sizeof(float)) + alignment];
        var sums = (float*)(((nuint)memory + alignment - 1) & ~(nuint)(alignment - 1));
        for (var token = 0; token < tokens; token += TokenBlock)
        {
            for (var row = 0; row < rows; row += RowBlock)
            {
                MultiplyBlock(
                    path, weights + (row * weightStride), weightStride, Math.Min(RowBlock, rows - row), x + (token * xStride), xStride, Math.Min(TokenBlock, tokens - token), columns,
                    y + (token * yStride) + row, yStride, sums);
            }
        }
    }

    private static void MultiplyBlock(
        KernelPath path, float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* y, long yStride, float* sums)
    {
        new Span<float>(sums, Math.Min(TokenBlock, tokens + 5) * TokenSums).Clear(); // the last tile may be wider than the tokens that are left
        var whole = columns - (columns % Lanes);
        var (tileRows, tileTokens) = path == KernelPath.Avx512 ? (4, 6) : (2, 3);

        // Few tokens wait for the weights: those are read in streams as long as can be.
        var step = tokens <= tileTokens ? whole : ColumnBlock;
        for (var column = 0; column < whole; column += step)
        {
            var count = Math.Min(step, whole - column);
            for (var t = 0; t < tokens;)
            {
                var wide = tokens - t > 1;
                var height = wide ? tileRows : NarrowRows;
                var xs = x + (t * xStride) + column;
                for (var r = 0; r < rows; r += height)
                {
                    var ws = weights + (r * weightStride) + column;
                    var tile = sums + (t * TokenSums) + (r * Lanes);
                    if (wide)
                        WideTile(path, ws, weightStride, rows - r, xs, xStride, tokens - t, count, tile);
                    else
                        NarrowTile(path, ws, weightStride, rows - r, xs, count, tile);
                }

                t += wide ? tileTokens : 1;
            }
        }

        for (var t = 0; t < tokens; t++)
        {
            for (var r = 0; r < rows; r++)
            {
                var sum = sums + (t * TokenSums) + (r * Lanes);
                for (var c = whole; c < columns; c++)
                    sum[c - whole] = MathF.FusedMultiplyAdd(x[(t * xStride) + c], weights[(r * weightStride) + c], sum[c - whole]);
                y[(t * yStride) + r] = Add(sum);
            }
        }
    }

    /// <summary>Rows and tokens beyond the tile are left out; those that it lacks are computed as copies of the first, for which the block of sums has room.</summary>
    private static void WideTile(KernelPath path, float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* sums)
    {
        switch (path)
        {
            case KernelPath.Avx512:
                WideTileAvx512(weights, weightStride, rows, x, xStride, tokens, columns, sums);
                break;
            case KernelPath.Avx2:
                WideTileAvx2(weights, weightStride, rows, x, xStride, tokens, columns, sums);
                break;
            default:
                WideTileVector128(weights, weightStride, rows, x, xStride, tokens, columns, sums);
                break;
        }
    }

    /// <inheritdoc cref="WideTile"/>
    private static void NarrowTile(KernelPath path, float* weights, long weightStride, int rows, float* x, int columns, float* sums)
    {
        switch (path)
        {
            case KernelPath.Avx512:
                NarrowTileAvx512(weights, weightStride, rows, x, columns, sums);
                break;
            case KernelPath.Avx2:
                NarrowTileAvx2(weights, weightStride, rows, x, columns, sums);
                break;
            default:
                NarrowTileVector128(weights, weightStride, rows, x, columns, sums);
                break;
        }
    }

    private static float Add(float* sums)
    {
        var low = Vector128.Load(sums) + Vector128.Load(sums + 8);
        var high = Vector128.Load(sums + 4) + Vector128.Load(sums + 12);
        var four = low + high;
        var two = four + Vector128.Shuffle(four, Vector128.Create(2, 3, 2, 3));
        return two[0] + two[1];
    }
}
