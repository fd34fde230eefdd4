using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>Multiplies activations in whole numbers with the bands of a page store's matrix: y[t, r] = Σ x[t, c] · W[r, c].</summary>
/// <remarks>
/// <para>
/// An output is the sum of eight partial sums: lane l has the blocks l, l + 8, … of 64 columns. Weights are whole numbers, too (of NF4 the level times a factor, rounded); a block's 64 products are added exactly, in
/// whatever order, converted to single precision, and join their partial sum in one fused multiply-add with the block's factor, the scale of the weights times that of the activations, rounded once. At the end
/// partial sums l and l + 4, then l + 2 and l + 1 are added, and of NF4 the levels' factor is taken out.
/// </para>
/// <para>So an output has the same bits on every instruction set, in every thread, and with whatever other tokens. Thread-safe.</para>
/// </remarks>
internal static unsafe partial class BandProducts
{
    /// <summary>Bytes ahead of the weights that kernels ask the first cache for.</summary>
    public const int Ahead = 5 * 1024;

    /// <summary>Bytes ahead of the weights that kernels ask the second cache for: memory takes longer to answer than the few lines allow that the first cache can wait for.</summary>
    public const int FarAhead = 12 * 1024;

    /// <summary>Asks for a line: a few at a time and in the order of addresses, so that the processor sees one stream beside the computing.</summary>
    /// <param name="line">The line, <see cref="Ahead"/> of that which is multiplied.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Ask(byte* line)
    {
        if (!Sse.IsSupported)
            return;
        Sse.Prefetch1(line + (FarAhead - Ahead));
        Sse.Prefetch0(line);
    }

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
    /// <exception cref="ArgumentException">The precision cannot be multiplied here, the band is not aligned, or the activations have another number of columns.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such band, or the stride is less than its rows.</exception>
    public static void Multiply(BandLayout layout, int band, byte* source, PreparedActivations x, float* y, long stride)
    {
        ArgumentNullException.ThrowIfNull(x);
        Multiply(layout, band, source, x, null, x.Tokens, y, stride);
    }

    /// <summary>Multiplies the rows of a band with the activations of some tokens.</summary>
    /// <param name="layout">Where the matrix' weights lie.</param>
    /// <param name="band">The band, from 0.</param>
    /// <param name="source">The band's bytes, at a multiple of 64.</param>
    /// <param name="x">The activations, of as many columns.</param>
    /// <param name="tokens">Which tokens, [count]; null for the first ones.</param>
    /// <param name="count">How many.</param>
    /// <param name="y">Receives y[i · stride + r] of the i-th of them.</param>
    /// <param name="stride">Elements from one token's outputs to the next one's.</param>
    /// <param name="next">The band that this thread will probably read next, whose begin is asked for in time; null if that is not known. It need not have the same layout.</param>
    public static void Multiply(BandLayout layout, int band, byte* source, PreparedActivations x, int* tokens, int count, float* y, long stride, byte* next = null)
    {
        Require(layout, band, source, x, count, y, stride);
        if (count == 0)
            return;
        _ = ProductTables.WordLow; // made before the kernels are compiled: they then read it without asking
        var product = new BandProduct(KernelPaths.Selected, layout, band, source, x, tokens, count, y, stride, next);
        switch (x.Order)
        {
            case ActivationOrder.Columns:
                MultiplyScalar(product, x);
                break;
            case ActivationOrder.TileWords when count <= WordTiles.FewTokens && IsNf4(layout):
                TileProducts<WordTiles>.Run(product);
                break;
            case ActivationOrder.Words or ActivationOrder.TileWords:
                Run<WordCodes256>(product);
                break;
            case ActivationOrder.EvenOdd:
                if (IsNf4(layout))
                    BandKernel<Loops512<NibbleForm>>.Run(product);
                else
                    BandKernel<Loops512<ByteForm>>.Run(product);
                break;
            case ActivationOrder.DotWords:
                TileProducts<VnniWords>.Run(product);
                break;
            case ActivationOrder.DotBytes:
                TileProducts<VnniBytes>.Run(product);
                break;
            case ActivationOrder.Magnitudes:
                Run<ByteCodes256>(product);
                break;
            default:
                Run<VnniCodes256>(product);
                break;
        }

        GC.KeepAlive(x); // its memory was read through pointers
    }

    private static void Run<TCodes>(in BandProduct product)
        where TCodes : struct, IProductCodes<TCodes>
    {
        if (IsNf4(product.Layout))
            BandKernel<Loops256<NibbleForm, TCodes>>.Run(product);
        else
            BandKernel<Loops256<ByteForm, TCodes>>.Run(product);
    }

    private static void Require(BandLayout layout, int band, byte* source, PreparedActivations x, int count, float* y, long stride)
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
        if (count > 1 && stride < layout.RowsOf(band))
            throw new ArgumentOutOfRangeException(nameof(stride), stride, Invariant($"Band {band} has {layout.RowsOf(band)} rows; the next token's outputs must begin after them."));
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
