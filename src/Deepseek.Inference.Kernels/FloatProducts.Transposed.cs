using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// What is kept in which cache while a matrix is multiplied against its grain. The sums lie in y between two blocks of rows, so that blocks change no order.
internal static unsafe partial class FloatProducts
{
    // Panels of the matrix are copied together, four side by side, since its rows may lie so far apart that they share a set of the cache: 24 KB, which serve all tokens from the first-level cache.
    private const int PanelColumns = 32;
    private const int PanelRows = 48;
    private const int PanelSize = PanelRows * PanelColumns;
    private const int Panels = 4;

    /// <summary>Tokens of the widest tile over a panel.</summary>
    private const int MostPanelTokens = 8;

    /// <summary>Columns of eight rows that serve all tokens from the first-level cache: 16 KB.</summary>
    private const int StreamColumns = 512;

    /// <summary>Rows that join one token's outputs at once.</summary>
    private const int StreamRows = 8;

    /// <summary>As many tokens are worth the copy.</summary>
    private const int PanelTokens = 24;

    private static void MultiplyTransposedBlocks(
        KernelPath path, float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* y, long yStride)
    {
        if (tokens >= PanelTokens)
            MultiplyPanels(path, weights, weightStride, rows, x, xStride, tokens, columns, y, yStride);
        else
            MultiplyStreams(path, weights, weightStride, rows, x, xStride, tokens, columns, y, yStride);
    }

    /// <summary>For few tokens: eight rows at a time are read from memory, from end to end where there is one token.</summary>
    private static void MultiplyStreams(KernelPath path, float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* y, long yStride)
    {
        var step = tokens == 1 ? columns : StreamColumns;
        for (var row = 0; row < rows; row += StreamRows)
        {
            for (var column = 0; column < columns; column += step)
            {
                var (height, width) = (Math.Min(StreamRows, rows - row), Math.Min(step, columns - column));
                var first = weights + (row * weightStride) + column;
                for (var t = 0; t < tokens; t++)
                    Stream(path, first, weightStride, height, x + (t * xStride) + row, width, y + (t * yStride) + column);
            }
        }
    }

    /// <summary>Adds some rows, at most eight, to one token's outputs.</summary>
    private static void Stream(KernelPath path, float* weights, long weightStride, int rows, float* x, int columns, float* y)
    {
        if (rows < StreamRows)
        {
            for (var r = 0; r < rows; r++)
                VectorMath.AddScaled(path, weights + (r * weightStride), x[r], y, columns);
            return;
        }

        var done = path switch
        {
            >= KernelPath.Avx512 => StreamAvx512(weights, weightStride, x, columns, y),
            KernelPath.Avx2 => StreamAvx2(weights, weightStride, x, columns, y),
            _ => StreamVector128(weights, weightStride, x, columns, y),
        };
        MultiplyTransposedScalar(weights + done, weightStride, rows, x, 0, 1, columns - done, y + done, 0);
    }

    [SkipLocalsInit]
    private static void MultiplyPanels(KernelPath path, float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* y, long yStride)
    {
        const int alignment = Lanes * sizeof(float); // a cache line
        var memory = stackalloc byte[(Panels * PanelSize * sizeof(float)) + alignment];
        var panels = (float*)(((nuint)memory + alignment - 1) & ~(nuint)(alignment - 1));
        var tile = path switch
        {
            >= KernelPath.Avx512 => MostPanelTokens,
            KernelPath.Avx2 => 6,
            _ => 4,
        };
        for (var column = 0; column < columns; column += Panels * PanelColumns)
        {
            for (var row = 0; row < rows; row += PanelRows)
            {
                var (height, width) = (Math.Min(PanelRows, rows - row), Math.Min(Panels * PanelColumns, columns - column));
                CopyPanels(weights + (row * weightStride) + column, weightStride, height, width, panels);
                for (var t = 0; t < tokens; t += tile)
                    MultiplyTile(path, panels, height, width, x + (t * xStride) + row, xStride, Math.Min(tile, tokens - t), y + (t * yStride) + column, yStride);
            }
        }
    }

    /// <summary>Multiplies the panels for the tokens of a tile.</summary>
    private static void MultiplyTile(KernelPath path, float* panels, int rows, int width, float* x, long xStride, int tokens, float* y, long yStride)
    {
        for (; width >= PanelColumns; width -= PanelColumns, panels += PanelSize, y += PanelColumns)
            Panel(path, panels, rows, x, xStride, tokens, y, yStride);
        if (width == 0)
            return;

        var narrow = stackalloc float[MostPanelTokens * PanelColumns];
        Copy(y, yStride, narrow, PanelColumns, tokens, width);
        Panel(path, panels, rows, x, xStride, tokens, narrow, PanelColumns);
        Copy(narrow, PanelColumns, y, yStride, tokens, width);
    }

    private static void Panel(KernelPath path, float* panel, int rows, float* x, long xStride, int tokens, float* y, long yStride)
    {
        switch (path)
        {
            case >= KernelPath.Avx512:
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

    /// <summary>Copies panels together; where the last one is narrower, zeros fill it up, and what comes of them goes nowhere.</summary>
    private static void CopyPanels(float* weights, long weightStride, int rows, int width, float* panels)
    {
        var whole = width / PanelColumns;
        for (var r = 0; r < rows; r++)
        {
            float* from = weights + (r * weightStride), to = panels + (r * PanelColumns);
            for (var part = 0; part < whole; part++)
                CopyLine(from + (part * PanelColumns), to + (part * PanelSize));
            if (width % PanelColumns == 0)
                continue;

            var last = new Span<float>(to + (whole * PanelSize), PanelColumns);
            last.Clear();
            new ReadOnlySpan<float>(from + (whole * PanelColumns), width % PanelColumns).CopyTo(last);
        }
    }

    private static void CopyLine(float* from, float* to)
    {
        for (var i = 0; i < PanelColumns; i += Vector256<float>.Count)
            Vector256.Load(from + i).Store(to + i);
    }

    private static void Copy(float* from, long fromStride, float* to, long toStride, int rows, int width)
    {
        for (var r = 0; r < rows; r++)
            new ReadOnlySpan<float>(from + (r * fromStride), width).CopyTo(new Span<float>(to + (r * toStride), width));
    }
}
