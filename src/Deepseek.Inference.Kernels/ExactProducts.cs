using System.Globalization;
using Tile128 = Deepseek.Inference.Kernels.ExactProductTile<Deepseek.Inference.Kernels.Lanes128, System.Runtime.Intrinsics.Vector128<float>, System.Runtime.Intrinsics.Vector128<int>, System.Runtime.Intrinsics.Vector128<short>>;
using Tile256 = Deepseek.Inference.Kernels.ExactProductTile<Deepseek.Inference.Kernels.Lanes256, System.Runtime.Intrinsics.Vector256<float>, System.Runtime.Intrinsics.Vector256<int>, System.Runtime.Intrinsics.Vector256<short>>;
using Tile512 = Deepseek.Inference.Kernels.ExactProductTile<Deepseek.Inference.Kernels.Lanes512, System.Runtime.Intrinsics.Vector512<float>, System.Runtime.Intrinsics.Vector512<int>, System.Runtime.Intrinsics.Vector512<short>>;

namespace Deepseek.Inference.Kernels;

/// <summary>Multiplies activations in whole numbers with 8-bit rows of one scale each, along their grain and against it, such that a whole output is an exact sum.</summary>
/// <remarks>
/// <para>
/// Along: a token's activations become whole numbers of 16 bits with one step, and y[t, r] = sum · (step · scale of the row). Against: activations times the scales of their rows become such, and y[t, c] = sum · step. The
/// step is the largest magnitude / 32,767 (<see cref="CacheCodes"/>); the sum is exact, in whatever order, and is rounded when it becomes fp32.
/// </para>
/// <para>So an output has the same bits on every instruction set, and with whatever other tokens. Everything runs in the caller's thread. But for the definition, nothing is allocated beside a thread's scratch memory, which is kept.</para>
/// </remarks>
internal static unsafe class ExactProducts
{
    /// <summary>The most products whose sums fit 32 bits: 512 · 127 · 32,767 &lt; 2³¹.</summary>
    public const int MostTerms = 512;

    /// <summary>Whether rows can be multiplied here, in both directions.</summary>
    /// <param name="layout">Where their weights lie.</param>
    /// <param name="rows">The most rows of a product against the grain.</param>
    public static bool Supports(BandLayout layout, int rows) => layout.Precision == WeightPrecision.Int8 && layout.Columns <= MostTerms && rows <= MostTerms;

    /// <summary>Multiplies along the grain: y[t, r] = Σ x[t, c] · w[r, c].</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="rows">The rows, [<paramref name="count"/>].</param>
    /// <param name="count">How many, 0 or more.</param>
    /// <param name="columns">Columns, 1 to <see cref="MostTerms"/>.</param>
    /// <param name="x">The activations, [tokens × columns].</param>
    /// <param name="xStride">Elements from one token's activations to the next one's.</param>
    /// <param name="tokens">Tokens, 0 or more.</param>
    /// <param name="y">Receives the outputs, [tokens × count].</param>
    /// <param name="yStride">Elements from one token's outputs to the next one's.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are too many columns, or none.</exception>
    public static void Multiply(KernelPath path, Int8Row* rows, int count, int columns, float* x, long xStride, int tokens, float* y, long yStride)
    {
        RequireTerms(nameof(columns), columns);
        if (path >= KernelPath.Avx512)
            Tile512.Multiply(path == KernelPath.Avx512Vnni, rows, count, columns, x, xStride, tokens, y, yStride);
        else if (path == KernelPath.Avx2)
            Tile256.Multiply(false, rows, count, columns, x, xStride, tokens, y, yStride);
        else if (path == KernelPath.Vector128)
            Tile128.Multiply(false, rows, count, columns, x, xStride, tokens, y, yStride);
        else
            MultiplyScalar(rows, count, columns, x, xStride, tokens, y, yStride);
    }

    /// <summary>Multiplies against the grain: y[t, c] = Σ x[t, r] · w[r, c].</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="rows">The rows, [<paramref name="count"/>].</param>
    /// <param name="count">How many, 1 to <see cref="MostTerms"/>.</param>
    /// <param name="columns">Columns, 1 or more.</param>
    /// <param name="x">The activations, [tokens × count].</param>
    /// <param name="xStride">Elements from one token's activations to the next one's.</param>
    /// <param name="tokens">Tokens, 0 or more.</param>
    /// <param name="y">Receives the outputs, [tokens × columns].</param>
    /// <param name="yStride">Elements from one token's outputs to the next one's.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are too many rows, or none.</exception>
    public static void MultiplyTransposed(KernelPath path, Int8Row* rows, int count, int columns, float* x, long xStride, int tokens, float* y, long yStride)
    {
        RequireTerms(nameof(count), count);
        if (path >= KernelPath.Avx512)
            Tile512.MultiplyTransposed(path == KernelPath.Avx512Vnni, rows, count, columns, x, xStride, tokens, y, yStride);
        else if (path == KernelPath.Avx2)
            Tile256.MultiplyTransposed(false, rows, count, columns, x, xStride, tokens, y, yStride);
        else if (path == KernelPath.Vector128)
            Tile128.MultiplyTransposed(false, rows, count, columns, x, xStride, tokens, y, yStride);
        else
            MultiplyTransposedScalar(rows, count, columns, x, xStride, tokens, y, yStride);
    }

    // The definitions. Every other path must equal them bit for bit.
    private static void MultiplyScalar(Int8Row* rows, int count, int columns, float* x, long xStride, int tokens, float* y, long yStride)
    {
        var codes = new short[columns];
        for (var token = 0; token < tokens; token++)
        {
            var step = CacheCodes.Round(KernelPath.Scalar, new ReadOnlySpan<float>(x + (token * xStride), columns), codes);
            for (var row = 0; row < count; row++)
            {
                var sum = 0;
                for (var column = 0; column < columns; column++)
                    sum = checked(sum + (codes[column] * rows[row][column]));
                y[(token * yStride) + row] = sum * (step * rows[row].Scale);
            }
        }
    }

    private static void MultiplyTransposedScalar(Int8Row* rows, int count, int columns, float* x, long xStride, int tokens, float* y, long yStride)
    {
        var scaled = new float[count];
        var codes = new short[count];
        for (var token = 0; token < tokens; token++)
        {
            for (var row = 0; row < count; row++)
                scaled[row] = x[(token * xStride) + row] * rows[row].Scale;
            var step = CacheCodes.Round(KernelPath.Scalar, scaled, codes);
            for (var column = 0; column < columns; column++)
            {
                var sum = 0;
                for (var row = 0; row < count; row++)
                    sum = checked(sum + (codes[row] * rows[row][column]));
                y[(token * yStride) + column] = sum * step;
            }
        }
    }

    private static void RequireTerms(string name, int terms)
    {
        if (terms is < 1 or > MostTerms)
            throw new ArgumentOutOfRangeException(name, terms, string.Create(CultureInfo.InvariantCulture, $"An output must be a sum of 1 to {MostTerms} products: more may not fit 32 bits."));
    }
}
