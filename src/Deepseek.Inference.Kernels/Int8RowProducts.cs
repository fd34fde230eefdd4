using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

/// <summary>Multiplies one token's activations in single precision with the 8-bit weights of a band, which are widened in registers and never written.</summary>
/// <remarks>The bits are those of <see cref="FloatProducts"/> over the widened rows. More tokens share rows that are widened to memory once, and go there.</remarks>
internal static unsafe class Int8RowProducts
{
    private const int Tile = BandLayout.PlainRows;
    private const int TileLine = Tile * BandLayout.LineBytes;
    private const int Lanes = LaneSums.Lanes;

    /// <summary>Whether rows of a matrix can be multiplied here: with 256-bit vectors, where lines and tiles are whole.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="layout">Where the matrix' weights lie.</param>
    /// <param name="first">The first row.</param>
    /// <param name="rows">Rows.</param>
    public static bool Supports(KernelPath path, BandLayout layout, long first, int rows) =>
        path >= KernelPath.Avx2 && layout.Precision is WeightPrecision.Int8 or WeightPrecision.Int8Block
        && layout.Columns % BandLayout.LineBytes == 0 && first % Tile == 0 && rows % Tile == 0;

    /// <summary>Adds rows to a token's outputs: y[c] += Σ x[r] · w[r, c], a row after the other.</summary>
    /// <param name="layout">Where the matrix' weights lie.</param>
    /// <param name="band">The band, from 0.</param>
    /// <param name="source">The band's bytes.</param>
    /// <param name="first">The first row within the band, a multiple of 4.</param>
    /// <param name="rows">Rows, a multiple of 4.</param>
    /// <param name="x">The activations, [rows].</param>
    /// <param name="y">The outputs, [columns].</param>
    public static void AddTransposed(BandLayout layout, int band, byte* source, int first, int rows, float* x, float* y)
    {
        for (var row = first; row < first + rows; row += Tile, x += Tile)
            AddTile(source + layout.LineOffset(layout.HeaderBytesOf(band), row, 0), new RowScales(layout, source, row), layout.LinesPerRow, x, y);
    }

    /// <summary>Multiplies with rows: y[r] = Σ x[c] · w[r, c].</summary>
    /// <param name="layout">Where the matrix' weights lie.</param>
    /// <param name="band">The band, from 0.</param>
    /// <param name="source">The band's bytes.</param>
    /// <param name="first">The first row within the band, a multiple of 4.</param>
    /// <param name="rows">Rows, a multiple of 4.</param>
    /// <param name="x">The activations, [columns].</param>
    /// <param name="y">Receives the outputs, [rows].</param>
    public static void Multiply(BandLayout layout, int band, byte* source, int first, int rows, float* x, float* y)
    {
        var sums = stackalloc float[Tile * Lanes];
        for (var row = first; row < first + rows; row += Tile)
        {
            MultiplyTile(source + layout.LineOffset(layout.HeaderBytesOf(band), row, 0), new RowScales(layout, source, row), layout.LinesPerRow, x, sums);
            for (var i = 0; i < Tile; i++)
                *y++ = LaneSums.Add(sums + (i * Lanes));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddTile(byte* line, in RowScales scales, int lines, float* x, float* y)
    {
        var (x0, x1, x2, x3) = (Vector256.Create(x[0]), Vector256.Create(x[1]), Vector256.Create(x[2]), Vector256.Create(x[3]));
        for (var i = 0; i < lines; i++, line += TileLine)
        {
            BandProduct.Prefetch(line, BandProducts.Ahead, BandProducts.Ahead + TileLine);
            var (s0, s1, s2, s3) = (scales.Of(0, i), scales.Of(1, i), scales.Of(2, i), scales.Of(3, i));
            for (var end = line + BandLayout.LineBytes; line < end; line += Vector256<float>.Count, y += Vector256<float>.Count)
            {
                var sum = Fma.MultiplyAdd(x0, Widened(line, 0, s0), Vector256.Load(y));
                sum = Fma.MultiplyAdd(x1, Widened(line, 1, s1), sum);
                sum = Fma.MultiplyAdd(x2, Widened(line, 2, s2), sum);
                Fma.MultiplyAdd(x3, Widened(line, 3, s3), sum).Store(y);
            }

            line -= BandLayout.LineBytes;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyTile(byte* line, in RowScales scales, int lines, float* x, float* sums)
    {
        Vector256<float> a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default, a3 = default, b3 = default;
        for (var i = 0; i < lines; i++, line += TileLine)
        {
            BandProduct.Prefetch(line, BandProducts.Ahead, BandProducts.Ahead + TileLine);
            var (s0, s1, s2, s3) = (scales.Of(0, i), scales.Of(1, i), scales.Of(2, i), scales.Of(3, i));
            for (var end = line + BandLayout.LineBytes; line < end; line += Lanes, x += Lanes)
            {
                var (u, v) = (Vector256.Load(x), Vector256.Load(x + 8));
                a0 = Fma.MultiplyAdd(u, Widened(line, 0, s0), a0);
                b0 = Fma.MultiplyAdd(v, Widened(line + 8, 0, s0), b0);
                a1 = Fma.MultiplyAdd(u, Widened(line, 1, s1), a1);
                b1 = Fma.MultiplyAdd(v, Widened(line + 8, 1, s1), b1);
                a2 = Fma.MultiplyAdd(u, Widened(line, 2, s2), a2);
                b2 = Fma.MultiplyAdd(v, Widened(line + 8, 2, s2), b2);
                a3 = Fma.MultiplyAdd(u, Widened(line, 3, s3), a3);
                b3 = Fma.MultiplyAdd(v, Widened(line + 8, 3, s3), b3);
            }

            line -= BandLayout.LineBytes;
        }

        a0.Store(sums);
        b0.Store(sums + 8);
        a1.Store(sums + Lanes);
        b1.Store(sums + Lanes + 8);
        a2.Store(sums + (2 * Lanes));
        b2.Store(sums + (2 * Lanes) + 8);
        a3.Store(sums + (3 * Lanes));
        b3.Store(sums + (3 * Lanes) + 8);
    }

    /// <summary>Eight weights of a row of the tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Widened(byte* line, int row, Vector256<float> scale) =>
        Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32((sbyte*)line + (row * BandLayout.LineBytes))) * scale;

    /// <summary>The scales of a tile's rows: one a row, or one for each of its lines.</summary>
    private readonly struct RowScales
    {
        private readonly float* _first;
        private readonly int _stride; // from row to row
        private readonly int _step; // from line to line

        public RowScales(BandLayout layout, byte* source, int row)
        {
            (_stride, _step) = layout.Precision == WeightPrecision.Int8 ? (1, 0) : (layout.BlocksPerRow, 1);
            _first = (float*)source + ((long)row * _stride);
        }

        public Vector256<float> Of(int row, int line) => Vector256.Create(_first[(row * _stride) + (line * _step)]);
    }
}
