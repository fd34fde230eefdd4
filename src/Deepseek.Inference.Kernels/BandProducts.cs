using System.Globalization;

namespace Deepseek.Inference.Kernels;

/// <summary>Multiplies activations with the bands of a page store's matrix: y[t, r] = Σ x[t, c] · W[r, c].</summary>
/// <remarks>
/// <para>
/// An output is the sum of 16 partial sums. Partial sum l takes columns 4l to 4l + 3 of every block of 64 columns, block by block. With activations in whole numbers weights are whole numbers, too (of NF4 the level times a
/// factor, rounded); the four products of a block are added exactly, converted to single precision, and join the partial sum in one fused multiply-add with the block's factor, the scale of the weights times that of
/// the activations, rounded once. With activations in single precision a weight is what <see cref="Bands.Decode(BandLayout, int, ReadOnlySpan{byte}, int, int, Span{float})"/> makes of it, and joins in a fused
/// multiply-add, column by column. At the end partial sums l and l + 8, then l + 4, l + 2 and l + 1 are added, and of NF4 the levels' factor is taken out.
/// </para>
/// <para>So an output has the same bits on every instruction set, in every thread, and with whatever other tokens. Thread-safe.</para>
/// </remarks>
public static unsafe partial class BandProducts
{
    /// <summary>Whether matrices in a precision can be multiplied here.</summary>
    /// <param name="weights">The precision.</param>
    public static bool Supports(WeightPrecision weights) =>
        weights is WeightPrecision.Nf4 or WeightPrecision.Nf4Dynamic or WeightPrecision.Int8 or WeightPrecision.Int8Block;

    /// <summary>Multiplies the rows of a band with the activations of all tokens. It runs in the caller's thread; several threads take different bands.</summary>
    /// <param name="layout">Where the matrix' weights lie.</param>
    /// <param name="band">The band, from 0.</param>
    /// <param name="source">The band's bytes, at a multiple of 64.</param>
    /// <param name="x">The activations, of as many columns.</param>
    /// <param name="y">Receives y[t · stride + r] for the rows r of the band, from 0, and all tokens t.</param>
    /// <param name="stride">Elements from one token's outputs to the next one's.</param>
    /// <exception cref="ArgumentNullException">A pointer or <paramref name="x"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The matrix has no such band, or the stride is less than the band's rows.</exception>
    /// <exception cref="ArgumentException">The precision is another, the columns differ, or the bytes begin elsewhere.</exception>
    public static void Multiply(BandLayout layout, int band, byte* source, PreparedActivations x, float* y, long stride) =>
        Multiply(KernelPaths.Selected, layout, band, source, x, y, stride);

    internal static void Multiply(KernelPath path, BandLayout layout, int band, byte* source, PreparedActivations x, float* y, long stride)
    {
        Require(layout, band, source, x, y, stride);
        MultiplyScalar(layout, band, source, x, y, stride);
        GC.KeepAlive(x); // its memory was read through pointers
    }

    private static void Require(BandLayout layout, int band, byte* source, PreparedActivations x, float* y, long stride)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        if (!Supports(layout.Precision))
            throw new ArgumentException($"The precision is {layout.Precision}; it must be Nf4, Nf4Dynamic, Int8 or Int8Block.", nameof(layout));
        if (band < 0 || band >= layout.BandCount)
            throw new ArgumentOutOfRangeException(nameof(band), band, Invariant($"The matrix has {layout.Rows} rows, so {layout.BandCount} bands, counted from 0."));
        if ((nuint)source % BandLayout.LineBytes != 0)
            throw new ArgumentException(Invariant($"The band begins {(nuint)source % BandLayout.LineBytes} bytes after a multiple of {BandLayout.LineBytes}; it must begin at one."), nameof(source));
        if (x.Columns != layout.Columns)
            throw new ArgumentException(Invariant($"The activations have {x.Columns} columns; they must have {layout.Columns}, as the matrix."), nameof(x));
        if (x.Tokens > 1 && stride < layout.RowsOf(band))
            throw new ArgumentOutOfRangeException(nameof(stride), stride, Invariant($"Band {band} has {layout.RowsOf(band)} rows; the next token's outputs must begin after them."));
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
