using Deepseek.Inference.Kernels;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Compute;

/// <summary>Products with runs of a matrix' rows, along their grain and against it, as the heads of <c>kv_b_proj</c> need them.</summary>
/// <remarks>Where activations are rounded, a store's 8-bit rows of one scale meet them in exact sums (<see cref="ExactProducts"/>). All others meet fp32, as they are stored or widened piece by piece.</remarks>
internal sealed unsafe class CpuRowProducts(CpuEngine engine)
{
    private WeightMatrix _matrix = null!;
    private BandMatrix? _exact; // the same where sums are exact

    /// <summary>Chooses the matrix.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="rows">The most rows of a run.</param>
    public void Use(WeightMatrix matrix, int rows)
    {
        _matrix = matrix;
        _exact = engine.RoundsAny && matrix is BandMatrix bands && ExactProducts.Supports(bands.Layout, rows) ? bands : null;
    }

    /// <summary>y[t, r] = Σ x[t, c] · w[first + r, c].</summary>
    /// <param name="first">The first row.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="x">The activations, [count × columns].</param>
    /// <param name="xStride">Numbers from one token's activations to the next one's.</param>
    /// <param name="count">Tokens.</param>
    /// <param name="y">Receives the outputs, [count × rows].</param>
    /// <param name="yStride">Numbers from one token's outputs to the next one's.</param>
    /// <param name="worker">The worker, whose scratch is used.</param>
    public void Multiply(long first, int rows, float* x, long xStride, int count, float* y, long yStride, int worker)
    {
        var columns = (int)_matrix.Columns;
        if (_exact is not null)
        {
            var found = stackalloc Int8Row[rows];
            _exact.FindRows(first, rows, found);
            ExactProducts.Multiply(engine.Path, found, rows, columns, x, xStride, count, y, yStride);
            return;
        }

        engine.MultiplyInFp32(_matrix, first, rows, x, xStride, count, y, yStride, engine.Scratch(worker, (long)FloatProducts.RowsTogether(count) * columns));
    }

    /// <summary>y[t, c] = Σ x[t, r] · w[first + r, c].</summary>
    /// <param name="first">The first row.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="x">The activations, [count × rows].</param>
    /// <param name="xStride">Numbers from one token's activations to the next one's.</param>
    /// <param name="count">Tokens.</param>
    /// <param name="y">Receives the outputs, [count × columns].</param>
    /// <param name="yStride">Numbers from one token's outputs to the next one's.</param>
    /// <param name="worker">The worker, whose scratch is used.</param>
    public void MultiplyTransposed(long first, int rows, float* x, long xStride, int count, float* y, long yStride, int worker)
    {
        var columns = (int)_matrix.Columns;
        if (_exact is not null)
        {
            var found = stackalloc Int8Row[rows];
            _exact.FindRows(first, rows, found);
            ExactProducts.MultiplyTransposed(engine.Path, found, rows, columns, x, xStride, count, y, yStride);
            return;
        }

        var piece = FloatProducts.RowsTogether(count);
        var scratch = engine.Scratch(worker, (long)piece * columns);
        for (var row = 0; row < rows; row += piece)
        {
            var some = Math.Min(piece, rows - row);
            var weights = CpuEngine.Widened(_matrix, first + row, some, scratch);
            FloatProducts.MultiplyTransposed(engine.Path, weights, columns, some, x + row, xStride, count, columns, y, yStride, add: row > 0);
        }
    }
}
