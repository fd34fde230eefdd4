using System.Globalization;

namespace Deepseek.Inference.Kernels;

/// <summary>Multiplies activations with weights, both in single precision, in one order of summation.</summary>
/// <remarks>
/// An output has the same bits on every instruction set, whatever other tokens and rows are computed with it, and wherever the rows are cut. Everything runs in the caller's thread; several threads take
/// different outputs. Nothing is allocated but a thread's scratch memory, which is kept.
/// </remarks>
internal static unsafe partial class FloatProducts
{
    /// <summary>Partial sums of an output of <see cref="Multiply"/>.</summary>
    public const int Lanes = 16;

    /// <summary>Multiplies with the rows of a matrix: y[t, r] = Σ x[t, c] · w[r, c].</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="weights">The rows w, [rows × columns].</param>
    /// <param name="weightStride">Elements from one row to the next.</param>
    /// <param name="rows">Rows, 0 or more.</param>
    /// <param name="x">The activations, [tokens × columns].</param>
    /// <param name="xStride">Elements from one token's activations to the next one's.</param>
    /// <param name="tokens">Tokens, 0 or more.</param>
    /// <param name="columns">Columns, 0 or more.</param>
    /// <param name="y">Receives the outputs, [tokens × rows]; it overlaps nothing else.</param>
    /// <param name="yStride">Elements from one token's outputs to the next one's.</param>
    /// <remarks>
    /// An output is the sum of 16 partial sums. Partial sum l takes columns l, l + 16, l + 32, … in this order, each in one fused multiply-add, from 0. At the end partial sums l and l + 8, then l + 4,
    /// l + 2 and l + 1 are added.
    /// </remarks>
    /// <exception cref="ArgumentNullException">A pointer to something is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A size is negative, or a stride less than what it spans.</exception>
    public static void Multiply(KernelPath path, float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* y, long yStride)
    {
        if (Nothing(weights, weightStride, rows, x, tokens, columns, y))
            return;
        RequireStride(nameof(xStride), xStride, tokens, columns, "activations");
        RequireStride(nameof(yStride), yStride, tokens, rows, "outputs");
        if (path == KernelPath.Scalar)
            MultiplyScalar(weights, weightStride, rows, x, xStride, tokens, columns, y, yStride);
        else if (Packs(rows, tokens, columns))
            MultiplyPacked(path, weights, weightStride, rows, x, xStride, tokens, columns, y, yStride);
        else
            MultiplyBlocks(path, weights, weightStride, rows, x, xStride, tokens, columns, y, yStride);
    }

    /// <summary>Multiplies with the columns of a matrix: y[t, c] = Σ x[t, r] · w[r, c].</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="weights">The rows w, [rows × columns].</param>
    /// <param name="weightStride">Elements from one row to the next.</param>
    /// <param name="rows">Rows, 0 or more.</param>
    /// <param name="x">The activations, [tokens × rows].</param>
    /// <param name="xStride">Elements from one token's activations to the next one's.</param>
    /// <param name="tokens">Tokens, 0 or more.</param>
    /// <param name="columns">Columns, 0 or more.</param>
    /// <param name="y">Receives the outputs, [tokens × columns]; it overlaps nothing else.</param>
    /// <param name="yStride">Elements from one token's outputs to the next one's.</param>
    /// <param name="add">Whether the rows join what y holds: so rows may come piece by piece, in order, with the bits of all at once.</param>
    /// <remarks>An output takes the rows in their order, each in one fused multiply-add, from 0.</remarks>
    /// <exception cref="ArgumentNullException">A pointer to something is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A size is negative, or a stride less than what it spans.</exception>
    public static void MultiplyTransposed(
        KernelPath path, float* weights, long weightStride, int rows, float* x, long xStride, int tokens, int columns, float* y, long yStride, bool add = false)
    {
        if (Nothing(weights, weightStride, rows, x, tokens, columns, y))
            return;
        RequireStride(nameof(xStride), xStride, tokens, rows, "activations");
        RequireStride(nameof(yStride), yStride, tokens, columns, "outputs");
        if (!add)
        {
            for (var t = 0; t < tokens; t++)
                new Span<float>(y + (t * yStride), columns).Clear();
        }

        if (path == KernelPath.Scalar)
            MultiplyTransposedScalar(weights, weightStride, rows, x, xStride, tokens, columns, y, yStride);
        else
            MultiplyTransposedBlocks(path, weights, weightStride, rows, x, xStride, tokens, columns, y, yStride);
    }

    /// <summary>Refuses what both products refuse; whether there is no token, or a matrix of no size and so no pointer that must be one.</summary>
    private static bool Nothing(float* weights, long weightStride, int rows, float* x, int tokens, int columns, float* y)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        if (tokens == 0 || (rows == 0 && columns == 0))
            return true;
        ArgumentNullException.ThrowIfNull(y);
        if (rows > 0 && columns > 0)
        {
            ArgumentNullException.ThrowIfNull(weights);
            ArgumentNullException.ThrowIfNull(x);
        }

        RequireStride(nameof(weightStride), weightStride, rows, columns, "weights of a row");
        return false;
    }

    private static void RequireStride(string name, long stride, int count, int size, string what)
    {
        if (count > 1 && stride < size)
            throw new ArgumentOutOfRangeException(name, stride, string.Create(CultureInfo.InvariantCulture, $"The next {what} must begin after these, of which there are {size}."));
    }
}
