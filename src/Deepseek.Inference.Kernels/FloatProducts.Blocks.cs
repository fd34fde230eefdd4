using System.Runtime.CompilerServices;

namespace Deepseek.Inference.Kernels;

// What is kept in which cache while rows are multiplied. The partial sums of a block of outputs lie in memory between two blocks of columns, so that blocks change no order.
internal static unsafe partial class FloatProducts
{
    // 4 rows of 1,024 columns take 16 KB and serve all tokens of a block from the first-level cache. 24 tokens' activations of 1,024 columns take 96 KB and serve all rows of a block from the
    // second-level one; the partial sums take as much there.
    private const int ColumnBlock = 1024;
    private const int InnerRows = 4;
    private const int TokenBlock = 24;
    private const int RowBlock = 64;

    /// <summary>Rows of a tile for one token; a block of rows is a multiple.</summary>
    private const int NarrowRows = 4;

    /// <summary>As many tokens are taken one by one.</summary>
    private const int NarrowTokens = 2;

    /// <summary>
    /// Elements from one token's partial sums to the next one's; those of a row lie <see cref="Lanes"/> apart. More than a block's, so that the tokens' sums of one row do not share a set of the cache.
    /// </summary>
    private const int TokenSums = (RowBlock + InnerRows) * Lanes;

    [SkipLocalsInit]
    private static void MultiplyBlocks(KernelPath path, float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* y, long yStride)
    {
        const int alignment = Lanes * sizeof(float); // a cache line
        const int beyond = 5; // the last tile may be wider than the tokens that are left
        var memory = stackalloc byte[(Math.Min(TokenBlock, tokens + beyond) * TokenSums * sizeof(float)) + alignment];
        var sums = (float*)(((nuint)memory + alignment - 1) & ~(nuint)(alignment - 1));
        for (var row = 0; row < rows; row += RowBlock)
        {
            for (var token = 0; token < tokens; token += TokenBlock)
            {
                var (height, width) = (Math.Min(RowBlock, rows - row), Math.Min(TokenBlock, tokens - token));
                Clear(sums, Math.Min(TokenBlock, width + beyond), height);
                float* ws = weights + (row * weightStride), xs = x + (token * xStride);
                SumWhole(path, ws, weightStride, height, xs, xStride, width, columns, sums);
                Finish(ws, weightStride, height, xs, xStride, width, columns, sums, y + (token * yStride) + row, yStride);
            }
        }
    }

    private static void Clear(float* sums, int tokens, int rows)
    {
        var length = (int)Lengths.CeilDiv(rows, NarrowRows) * NarrowRows * Lanes; // whole tiles
        for (var t = 0; t < tokens; t++)
            new Span<float>(sums + (t * TokenSums), length).Clear();
    }

    /// <summary>Sums as many columns as fill all lanes.</summary>
    private static void SumWhole(KernelPath path, float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* sums)
    {
        var whole = columns - (columns % Lanes);
        var (tileRows, tileTokens) = path >= KernelPath.Avx512 ? (4, 6) : (2, 3);

        // One or two tokens wait for the weights: four rows at a time are read from end to end.
        var step = tokens <= NarrowTokens ? whole : ColumnBlock;
        for (var column = 0; column < whole; column += step)
        {
            var count = Math.Min(step, whole - column);
            for (var row = 0; row < rows; row += InnerRows)
            {
                var end = Math.Min(row + InnerRows, rows);
                for (var t = 0; t < tokens;)
                {
                    var wide = tokens - t > NarrowTokens;
                    var height = wide ? tileRows : NarrowRows;
                    var xs = x + (t * xStride) + column;
                    for (var r = row; r < end; r += height)
                    {
                        var ws = weights + (r * weightStride) + column;
                        var tile = sums + (t * TokenSums) + (r * Lanes);
                        if (wide)
                            WideTile(path, ws, weightStride, end - r, xs, xStride, tokens - t, count, tile);
                        else
                            NarrowTile(path, ws, weightStride, end - r, xs, count, tile);
                    }

                    t += wide ? tileTokens : 1;
                }
            }
        }
    }

    /// <summary>Sums the columns that remain, and adds the partial sums.</summary>
    private static void Finish(float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* sums, float* y, long yStride)
    {
        var whole = columns - (columns % Lanes);
        for (var t = 0; t < tokens; t++)
        {
            var sum = sums + (t * TokenSums);
            for (var r = 0; whole < columns && r < rows; r++)
                AddRest(weights + (r * weightStride) + whole, x + (t * xStride) + whole, columns - whole, sum + (r * Lanes));
            AddLanes(sum, rows, y + (t * yStride));
        }
    }

    private static void AddRest(float* weights, float* x, int columns, float* sums)
    {
        for (var c = 0; c < columns; c++)
            sums[c] = MathF.FusedMultiplyAdd(x[c], weights[c], sums[c]);
    }

    /// <summary>Rows and tokens beyond the tile are left out; those that it lacks are computed as copies of the first, for which the block of sums has room.</summary>
    private static void WideTile(KernelPath path, float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* sums)
    {
        switch (path)
        {
            case >= KernelPath.Avx512:
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
            case >= KernelPath.Avx512:
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
}
