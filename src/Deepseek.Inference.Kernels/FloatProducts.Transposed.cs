using System.Runtime.CompilerServices;

namespace Deepseek.Inference.Kernels;

// What is kept in which cache while a matrix is multiplied against its grain. The sums lie in y between two blocks of rows, so that blocks change no order.
internal static unsafe partial class FloatProducts
{
    // A panel of the matrix is copied together, since its rows may lie so far apart that they share a set of the cache: 16 KB, which serve all tokens from the first-level cache.
    private const int PanelColumns = 32;
    private const int PanelRows = 128;

    /// <summary>Rows that join one token's outputs at once.</summary>
    private const int StreamRows = 8;

    /// <summary>As many tokens are worth the copy.</summary>
    private const int PanelTokens = 6;

    private static void MultiplyTransposedBlocks(
        KernelPath path, float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* y, long yStride)
    {
        if (tokens >= PanelTokens)
            MultiplyPanels(path, weights, weightStride, rows, x, xStride, tokens, columns, y, yStride);
        else
            MultiplyStreams(path, weights, weightStride, rows, x, xStride, tokens, columns, y, yStride);
    }

    /// <summary>For few tokens: eight rows at a time are read from end to end, by the second token from a cache.</summary>
    private static void MultiplyStreams(KernelPath path, float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* y, long yStride)
    {
        for (var row = 0; row < rows; row += StreamRows)
        {
            var count = Math.Min(StreamRows, rows - row);
            var first = weights + (row * weightStride);
            for (var t = 0; t < tokens; t++)
            {
                float* xs = x + (t * xStride) + row, ys = y + (t * yStride);
                if (count < StreamRows)
                {
                    AddRows(path, first, weightStride, count, xs, columns, ys);
                    continue;
                }

                var done = path switch
                {
                    KernelPath.Avx512 => StreamAvx512(first, weightStride, xs, columns, ys),
                    KernelPath.Avx2 => StreamAvx2(first, weightStride, xs, columns, ys),
                    _ => StreamVector128(first, weightStride, xs, columns, ys),
                };
                MultiplyTransposedScalar(first + done, weightStride, count, xs, 0, 1, columns - done, ys + done, 0);
            }
        }
    }

    private static void AddRows(KernelPath path, float* weights, long weightStride, int rows, float* x, int columns, float* y)
    {
        for (var r = 0; r < rows; r++)
            VectorMath.AddScaled(path, weights + (r * weightStride), x[r], y, columns);
    }

    [SkipLocalsInit]
    private static void MultiplyPanels(KernelPath path, float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* y, long yStride)
    {
        const int alignment = Lanes * sizeof(float); // a cache line
        var memory = stackalloc byte[(PanelRows * PanelColumns * sizeof(float)) + alignment];
        var panel = (float*)(((nuint)memory + alignment - 1) & ~(nuint)(alignment - 1));
        var height = path switch
        {
            KernelPath.Avx512 => 8,
            KernelPath.Avx2 => 6,
            _ => 4,
        };
        var part = stackalloc float[8 * PanelColumns]; // the outputs of a tile in a panel that is narrower
        for (var column = 0; column < columns; column += PanelColumns)
        {
            var width = Math.Min(PanelColumns, columns - column);
            for (var row = 0; row < rows; row += PanelRows)
            {
                var count = Math.Min(PanelRows, rows - row);
                CopyPanel(weights + (row * weightStride) + column, weightStride, count, width, panel);
                for (var t = 0; t < tokens; t += height)
                {
                    float* xs = x + (t * xStride) + row, ys = y + (t * yStride) + column;
                    var some = Math.Min(height, tokens - t);
                    if (width == PanelColumns)
                    {
                        Panel(path, panel, count, xs, xStride, some, ys, yStride);
                        continue;
                    }

                    Copy(ys, yStride, part, PanelColumns, some, width);
                    Panel(path, panel, count, xs, xStride, some, part, PanelColumns);
                    Copy(part, PanelColumns, ys, yStride, some, width);
                }
            }
        }
    }

    private static void Panel(KernelPath path, float* panel, int rows, float* x, long xStride, int tokens, float* y, long yStride)
    {
        switch (path)
        {
            case KernelPath.Avx512:
                PanelAvx512(panel, rows, x, xStride, tokens, y, yStride);
                break;
            case KernelPath.Avx2:
                PanelAvx2(panel, rows, x, xStride, tokens, y, yStride);
                PanelAvx2(panel + Lanes, rows, x, xStride, tokens, y + Lanes, yStride);
                break;
            default:
                PanelVector128(panel, rows, x, xStride, tokens, y, yStride);
                PanelVector128(panel + Lanes, rows, x, xStride, tokens, y + Lanes, yStride);
                break;
        }
    }

    /// <summary>Copies a panel together; where it is narrower, zeros fill it up, and what comes of them goes nowhere.</summary>
    private static void CopyPanel(float* weights, long weightStride, int rows, int width, float* panel)
    {
        if (width < PanelColumns)
            new Span<float>(panel, rows * PanelColumns).Clear();
        Copy(weights, weightStride, panel, PanelColumns, rows, width);
    }

    private static void Copy(float* from, long fromStride, float* to, long toStride, int rows, int width)
    {
        for (var r = 0; r < rows; r++)
            new ReadOnlySpan<float>(from + (r * fromStride), width).CopyTo(new Span<float>(to + (r * toStride), width));
    }
}
