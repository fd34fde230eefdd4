using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>Multiplies the activations of a few tokens, in single precision, with rows as a checkpoint stores them: they are widened in registers and never written.</summary>
/// <remarks>The bits are those of <see cref="FloatProducts"/> over the widened rows. Many tokens share rows that are widened to memory once, and go there. Everything runs in the caller's thread.</remarks>
internal static unsafe class StoredProducts
{
    /// <summary>Up to so many tokens it costs less to widen rows again for every four than to write them.</summary>
    public const int MostTokens = 8;

    private const int Lanes = LaneSums.Lanes;
    private const int Half = Lanes / 2;
    private const int TileTokens = 4;

    /// <summary>Whether rows can be multiplied here: with 256-bit vectors, where no vector crosses a block.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="columns">Columns of the rows.</param>
    /// <param name="blockColumns">Columns that share a scale.</param>
    /// <param name="tokens">Tokens.</param>
    public static bool Supports(KernelPath path, int columns, int blockColumns, int tokens) =>
        path >= KernelPath.Avx2 && columns % Lanes == 0 && blockColumns % Lanes == 0 && tokens <= MostTokens;

    /// <summary>Multiplies with rows: y[t, r] = Σ x[t, c] · w[r, c].</summary>
    /// <typeparam name="TForm">How the rows are stored.</typeparam>
    /// <param name="weights">The rows, [rows × columns], one after the other.</param>
    /// <param name="scales">The scales of their blocks, [⌈columns / <paramref name="blockColumns"/>⌉], the same for all rows.</param>
    /// <param name="blockColumns">Columns that share a scale.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="x">The activations, [tokens × columns].</param>
    /// <param name="xStride">Elements from one token's activations to the next one's.</param>
    /// <param name="tokens">Tokens.</param>
    /// <param name="y">Receives the outputs, [tokens × rows].</param>
    /// <param name="yStride">Elements from one token's outputs to the next one's.</param>
    /// <returns>Whether the outputs are right. They are not where a weight is infinite or NaN and its form takes it for a number, where a scale is too large, or where this thread does not compute with subnormals.</returns>
    public static bool Multiply<TForm>(byte* weights, float* scales, int blockColumns, int rows, int columns, float* x, long xStride, int tokens, float* y, long yStride)
        where TForm : struct, IStoredForm
    {
        if (!TForm.IsExact)
            return false;

        var blocks = (int)Lengths.CeilDiv(columns, blockColumns);
        var factors = stackalloc float[blocks];
        for (var block = 0; block < blocks; block++)
        {
            factors[block] = TForm.Factor(scales[block]);
            if (!float.IsFinite(factors[block]))
                return false;
        }

        var largest = Vector256<uint>.Zero;
        var sums = stackalloc float[TileTokens * Lanes];
        var stored = new Row(factors, blockColumns, columns);
        for (var row = 0; row < rows; row++, weights += (long)columns * TForm.Bytes)
        {
            for (var token = 0; token < tokens; token += TileTokens)
            {
                var some = Math.Min(TileTokens, tokens - token);
                var xs = x + (token * xStride);
                if (some == 1)
                    MultiplyOne<TForm>(weights, stored, xs, sums, ref largest);
                else
                    MultiplyFour<TForm>(weights, stored, xs, xs + xStride, xs + (Math.Min(2, some - 1) * xStride), xs + ((some - 1) * xStride), sums, ref largest);
                for (var i = 0; i < some; i++)
                    y[((token + i) * yStride) + row] = LaneSums.Add(sums + (i * Lanes));
            }
        }

        return TForm.AreFinite(largest);
    }

    /// <summary>A row and one token.</summary>
    [MethodImpl(HotLoop.Options)]
    private static void MultiplyOne<TForm>(byte* weights, in Row row, float* x, float* sums, ref Vector256<uint> largest)
        where TForm : struct, IStoredForm
    {
        var most = largest;
        Vector256<float> a = default, b = default;
        for (int begin = 0, block = 0; begin < row.Columns; begin += row.BlockColumns, block++)
        {
            var factor = Vector256.Create(row.Factors[block]);
            for (var end = x + Math.Min(row.BlockColumns, row.Columns - begin); x < end; x += Lanes, weights += Lanes * TForm.Bytes)
            {
                Sse.Prefetch0(weights + BandProducts.Ahead);
                a = Fma.MultiplyAdd(TForm.Read(weights, factor, ref most), Vector256.Load(x), a);
                b = Fma.MultiplyAdd(TForm.Read(weights + (Half * TForm.Bytes), factor, ref most), Vector256.Load(x + Half), b);
            }
        }

        a.Store(sums);
        b.Store(sums + Half);
        largest = most;
    }

    /// <summary>A row and four tokens, of which some may be the same: weights that are widened meet all of them, and sums fit the registers.</summary>
    [MethodImpl(HotLoop.Options)]
    private static void MultiplyFour<TForm>(byte* weights, in Row row, float* x0, float* x1, float* x2, float* x3, float* sums, ref Vector256<uint> largest)
        where TForm : struct, IStoredForm
    {
        var most = largest;
        Vector256<float> a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default, a3 = default, b3 = default;
        for (int begin = 0, block = 0; begin < row.Columns; begin += row.BlockColumns, block++)
        {
            var factor = Vector256.Create(row.Factors[block]);
            for (var end = x0 + Math.Min(row.BlockColumns, row.Columns - begin); x0 < end; x0 += Lanes, x1 += Lanes, x2 += Lanes, x3 += Lanes, weights += Lanes * TForm.Bytes)
            {
                Sse.Prefetch0(weights + BandProducts.Ahead);
                var w = TForm.Read(weights, factor, ref most);
                a0 = Fma.MultiplyAdd(w, Vector256.Load(x0), a0);
                a1 = Fma.MultiplyAdd(w, Vector256.Load(x1), a1);
                a2 = Fma.MultiplyAdd(w, Vector256.Load(x2), a2);
                a3 = Fma.MultiplyAdd(w, Vector256.Load(x3), a3);
                w = TForm.Read(weights + (Half * TForm.Bytes), factor, ref most);
                b0 = Fma.MultiplyAdd(w, Vector256.Load(x0 + Half), b0);
                b1 = Fma.MultiplyAdd(w, Vector256.Load(x1 + Half), b1);
                b2 = Fma.MultiplyAdd(w, Vector256.Load(x2 + Half), b2);
                b3 = Fma.MultiplyAdd(w, Vector256.Load(x3 + Half), b3);
            }
        }

        a0.Store(sums);
        b0.Store(sums + Half);
        a1.Store(sums + Lanes);
        b1.Store(sums + Lanes + Half);
        a2.Store(sums + (2 * Lanes));
        b2.Store(sums + (2 * Lanes) + Half);
        a3.Store(sums + (3 * Lanes));
        b3.Store(sums + (3 * Lanes) + Half);
        largest = most;
    }

    /// <summary>What all rows share.</summary>
    private readonly struct Row(float* factors, int blockColumns, int columns)
    {
        public readonly float* Factors = factors;
        public readonly int BlockColumns = blockColumns;
        public readonly int Columns = columns;
    }
}
