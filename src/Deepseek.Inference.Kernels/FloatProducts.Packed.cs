using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// Many tokens: rows and tokens are first copied in the order in which tiles read them. Where they lie, each row is a stream of its own, and streams a power of two apart share few sets of a cache.
internal static unsafe partial class FloatProducts
{
    // With fewer, copies cost as much as they save (lab notes).
    private const int PackedFromTokens = 48;
    private const int PackedFromRows = 32;

    // Without copies, rows of most models that the second cache holds: 64 to 230 KB.
    private const int UnpackedRows = 8;

    // The activations of 24 tokens and 2,048 columns take 192 KB, the partial sums of 64 rows 102: both lie in the second cache. Four rows' halves of 2,048 columns take 16 KB of the first.
    private const int PackedColumns = 2048;

    /// <summary>Rows that a call of <see cref="Multiply"/> is best given, where a caller must first write them.</summary>
    /// <param name="tokens">Tokens of the call.</param>
    public static int RowsTogether(int tokens) => tokens >= PackedFromTokens ? RowBlock : UnpackedRows;

    private static bool Packs(int rows, int tokens, int columns) => tokens >= PackedFromTokens && rows >= PackedFromRows && columns > 0 && columns % Lanes == 0;

    private static void MultiplyPacked(KernelPath path, float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* y, long yStride)
    {
        switch (path)
        {
            case >= KernelPath.Avx512:
                MultiplyPacked<PackedTile<Vector512<float>, Vector512<int>, Vector512<short>, Lanes512>>(weights, weightStride, rows, x, xStride, tokens, columns, y, yStride);
                break;
            case KernelPath.Avx2:
                MultiplyPacked<PackedTile<Vector256<float>, Vector256<int>, Vector256<short>, Lanes256>>(weights, weightStride, rows, x, xStride, tokens, columns, y, yStride);
                break;
            default:
                MultiplyPacked<PackedTile<Vector128<float>, Vector128<int>, Vector128<short>, Lanes128>>(weights, weightStride, rows, x, xStride, tokens, columns, y, yStride);
                break;
        }
    }

    private static void MultiplyPacked<TTile>(float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* y, long yStride)
        where TTile : struct, IPackedTile
    {
        // Equal pieces of columns, each a multiple of the lanes.
        var pieces = (int)Lengths.CeilDiv(columns, PackedColumns);
        var width = (int)Lengths.CeilDiv(columns / Lanes, pieces) * Lanes;
        var sums = (float*)KernelScratch.Reserve((((long)TokenBlock * TokenSums) + ((long)TokenBlock * width) + ((long)RowBlock * columns)) * sizeof(float));
        var packedX = sums + (TokenBlock * TokenSums);
        var packedRows = packedX + (TokenBlock * width);
        for (var row = 0; row < rows; row += RowBlock, weights += RowBlock * weightStride)
        {
            var height = Math.Min(RowBlock, rows - row);
            var paddedHeight = (int)Lengths.CeilDiv(height, TTile.Rows) * TTile.Rows;
            for (var column = 0; column < columns; column += width)
                Pack<TTile>(weights + column, weightStride, height, TTile.Rows, Math.Min(width, columns - column), packedRows + ((long)column * paddedHeight));
            for (var token = 0; token < tokens; token += TokenBlock)
            {
                var count = Math.Min(TokenBlock, tokens - token);
                for (var column = 0; column < columns; column += width)
                {
                    var some = Math.Min(width, columns - column);
                    Pack<TTile>(x + (token * xStride) + column, xStride, count, TTile.Tokens, some, packedX);
                    var ahead = column + width < columns
                        ? new RowsAhead(x + (token * xStride) + column + width, xStride, count, Math.Min(width, columns - column - width))
                        : new RowsAhead(x + ((token + TokenBlock) * xStride), xStride, Math.Min(TokenBlock, tokens - token - count), width);
                    var lines = ahead.LinesOf(paddedHeight / TTile.Rows * (Lanes / TTile.Width) * (int)Lengths.CeilDiv(count, TTile.Tokens));
                    var group = packedRows + ((long)column * paddedHeight);
                    for (var r = 0; r < height; r += TTile.Rows, group += TTile.Rows * some)
                    {
                        MultiplyGroup<TTile>(group, packedX, count, some, column == 0, sums + (r * Lanes), ref ahead, lines);
                        if (column + some < columns)
                            continue;
                        for (var t = 0; t < count; t++)
                            AddLanes(sums + (t * TokenSums) + (r * Lanes), Math.Min(TTile.Rows, height - r), y + ((token + t) * yStride) + row + r);
                    }
                }
            }
        }
    }

    /// <summary>A group of rows, all tokens of a block and a piece of columns.</summary>
    private static void MultiplyGroup<TTile>(float* weights, float* x, int tokens, int columns, bool first, float* sums, ref RowsAhead ahead, int lines)
        where TTile : struct, IPackedTile
    {
        var steps = columns / Lanes;
        for (var part = 0; part < Lanes / TTile.Width; part++)
        {
            var (rows, place) = ((long)part * steps * TTile.Rows * TTile.Width, (long)part * steps * TTile.Tokens * TTile.Width);
            for (var token = 0; token < tokens; token += TTile.Tokens)
            {
                ahead.Ask(lines);
                TTile.Multiply(weights + rows, x + ((long)token * columns) + place, steps, sums + (token * TokenSums) + (part * TTile.Width), TokenSums, first);
            }
        }
    }

    /// <summary>Copies rows in groups: of each group first what the first vector of each sixteen columns holds, of all its rows side by side, then the second.</summary>
    private static void Pack<TTile>(float* from, long stride, int rows, int together, int columns, float* to)
        where TTile : struct, IPackedTile
    {
        for (var row = 0; row < rows; row += together, to += together * columns)
        {
            // What a group lacks are copies of the last row, whose sums nobody reads.
            for (var i = 0; i < together; i++)
                TTile.Pack(from + (Math.Min(row + i, rows - 1) * stride), columns, to + (i * TTile.Width), together);
        }
    }

    /// <summary>Rows that are copied next, and asked for while others are computed with.</summary>
    private struct RowsAhead(float* rows, long stride, int count, int columns)
    {
        private float* _row = rows;
        private int _left = count;
        private int _column;

        /// <summary>Lines to ask for with each of some steps, so that all have come after them.</summary>
        public readonly int LinesOf(int steps) => (int)Lengths.CeilDiv((long)_left * columns, Lanes * steps);

        public void Ask(int lines)
        {
            if (!Sse.IsSupported)
                return;
            for (; lines > 0 && _left > 0; lines--)
            {
                Sse.Prefetch1(_row + _column);
                _column += Lanes;
                if (_column >= columns)
                {
                    _row += stride;
                    (_column, _left) = (0, _left - 1);
                }
            }
        }
    }
}
