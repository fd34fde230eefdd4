using System.Runtime.InteropServices;
using Deepseek.Inference.Tests;

namespace Deepseek.Inference.Kernels.Tests;

public sealed unsafe class FloatProductsTests
{
    // Of the root of the sum of squares of n products. A partial sum of n / 16 of them, rounded each time, is usually wrong by far less; against the grain all n follow one another: √n · 2⁻²⁴ is 2e-6 of 1,500.
    private const double ErrorOfSums = 1e-5;

    // Around vectors, tiles, panels and blocks, and their ragged ends.
    private static readonly int[] Columns = [1, 7, 15, 16, 17, 31, 33, 64, 100, 1024, 1040, 2063];
    private static readonly int[] Rows = [1, 2, 3, 4, 5, 16, 17, 21];
    private static readonly int[] Tokens = [1, 2, 3, 4, 5, 6, 7, 9, 23, 24, 25, 26];

    /// <summary>Those of this machine and AVX-512, which runs everywhere, if slowly.</summary>
    public static TheoryData<KernelPath> Paths => [.. KernelPaths.Available.Append(KernelPath.Avx512).Distinct()];

    [Theory, MemberData(nameof(Paths))]
    public void Multiply_AnySize_EqualsScalarBitForBit(KernelPath path)
    {
        var random = new Random(20260401);
        foreach (var columns in Columns)
        {
            foreach (var rows in Rows)
            {
                foreach (var tokens in Tokens.Where(tokens => (long)columns * rows * tokens < 200_000))
                    AssertEqual(random, path, rows, tokens, columns, transposed: false);
            }
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Multiply_ManyTokens_EqualsScalarBitForBit(KernelPath path)
    {
        var random = new Random(20261129);
        foreach (var (rows, tokens, columns) in ((int, int, int)[])
            [(32, 48, 0), (31, 48, 32), (32, 47, 32), (32, 48, 16), (33, 49, 48), (64, 50, 1536), (65, 71, 64), (67, 72, 160), (68, 73, 17), (32, 48, 2048), (34, 51, 2064), (130, 97, 4112)])
        {
            AssertEqual(random, path, rows, tokens, columns, transposed: false);
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void MultiplyTransposed_AnySize_EqualsScalarBitForBit(KernelPath path)
    {
        var random = new Random(20260402);
        foreach (var columns in Columns)
        {
            foreach (var rows in (int[])[.. Rows, 127, 128, 129, 300])
            {
                foreach (var tokens in Tokens.Where(tokens => (long)columns * rows * tokens < 200_000))
                    AssertEqual(random, path, rows, tokens, columns, transposed: true);
            }
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Multiply_TokensAndRowsAlone_HaveTheBitsOfAllTogether(KernelPath path)
    {
        const int rows = 37, tokens = 29, columns = 1100;
        var random = new Random(20260403);
        var (w, x) = (Values(random, rows * columns), Values(random, tokens * columns));
        var together = new float[tokens * rows];
        var alone = new float[tokens * rows];

        fixed (float* pw = w, px = x, pTogether = together, pAlone = alone)
        {
            FloatProducts.Multiply(path, pw, columns, rows, px, columns, tokens, columns, pTogether, rows);
            for (var i = 0; i < alone.Length; i++)
                FloatProducts.Multiply(path, pw + (i % rows * columns), columns, 1, px + (i / rows * columns), columns, 1, columns, pAlone + i, 1);
        }

        Assert.Equal(Bits(together), Bits(alone));
    }

    [Theory, MemberData(nameof(Paths))]
    public void MultiplyTransposed_RowsInPieces_HaveTheBitsOfAllAtOnce(KernelPath path)
    {
        const int rows = 301, tokens = 13, columns = 75;
        var random = new Random(20260404);
        var (w, x) = (Values(random, rows * columns), Values(random, tokens * rows));
        var whole = new float[tokens * columns];
        var pieces = new float[tokens * columns];
        Array.Fill(pieces, float.NaN);

        fixed (float* pw = w, px = x, pWhole = whole, pPieces = pieces)
        {
            FloatProducts.MultiplyTransposed(path, pw, columns, rows, px, rows, tokens, columns, pWhole, columns);
            var piece = 1;
            for (var first = 0; first < rows; first += piece, piece = (piece * 2) + 1)
            {
                FloatProducts.MultiplyTransposed(
                    path, pw + (first * columns), columns, Math.Min(piece, rows - first), px + first, rows, tokens, columns, pPieces, columns, add: first > 0);
            }
        }

        Assert.Equal(Bits(whole), Bits(pieces));
    }

    [Theory, MemberData(nameof(Paths))]
    public void MultiplyAndMultiplyTransposed_LongSums_AreAccurate(KernelPath path)
    {
        const int rows = 1500, tokens = 7, columns = 1499;
        var random = new Random(20260405);
        var (w, x) = (Values(random, rows * columns), Values(random, tokens * rows));
        var (along, across) = (new float[tokens * rows], new float[tokens * columns]);

        fixed (float* pw = w, px = x, pAlong = along, pAcross = across)
        {
            FloatProducts.Multiply(path, pw, columns, rows, px, rows, tokens, columns, pAlong, rows);
            FloatProducts.MultiplyTransposed(path, pw, columns, rows, px, rows, tokens, columns, pAcross, columns);
        }

        for (var i = 0; i < 200; i++)
        {
            var (t, r, c) = (random.Next(tokens), random.Next(rows), random.Next(columns));
            AssertClose(Enumerable.Range(0, columns).Select(k => (double)x[(t * rows) + k] * w[(r * columns) + k]), along[(t * rows) + r]);
            AssertClose(Enumerable.Range(0, rows).Select(k => (double)x[(t * rows) + k] * w[(k * columns) + c]), across[(t * columns) + c]);
        }

        static void AssertClose(IEnumerable<double> products, float actual)
        {
            var terms = products.ToArray();
            Assert.InRange(Math.Abs(terms.Sum() - actual), 0, ErrorOfSums * Math.Sqrt(terms.Sum(term => term * term)));
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Multiply_HandWorkedLanes_AreAddedInTheirOrder(KernelPath path)
    {
        // Lanes 0 and 8 cancel before the small lane 4 joins; in any other order it would be lost.
        var x = new float[16];
        (x[0], x[8], x[4]) = (1e20f, -1e20f, 3);
        var w = Enumerable.Repeat(1f, 16).ToArray();
        var y = 0f;

        fixed (float* pw = w, px = x)
            FloatProducts.Multiply(path, pw, 16, 1, px, 16, 1, 16, &y, 1);

        Assert.Equal(3f, y);
    }

    [Theory, MemberData(nameof(Paths))]
    public void MultiplyAndMultiplyTransposed_NothingToSum_GiveZeros(KernelPath path)
    {
        var y = new float[] { 5, 5, 5 };

        fixed (float* py = y)
        {
            FloatProducts.Multiply(path, null, 0, 2, null, 0, 1, 0, py, 2);
            Assert.Equal([0, 0, 5], y);
            FloatProducts.MultiplyTransposed(path, null, 0, 0, null, 0, 1, 3, py, 3);
            Assert.Equal([0, 0, 0], y);
            y[1] = 4;
            FloatProducts.MultiplyTransposed(path, null, 0, 0, null, 0, 1, 3, py, 3, add: true);
        }

        Assert.Equal([0, 4, 0], y);
        FloatProducts.Multiply(path, null, 0, 5, null, 0, 0, 5, null, 0);
        FloatProducts.MultiplyTransposed(path, null, 0, 5, null, 0, 0, 5, null, 0);
    }

    [Fact]
    public void MultiplyAndMultiplyTransposed_AnySize_AllocateNothing()
    {
        var (w, x, y) = (new float[64 * 64], new float[64 * 64], new float[64 * 64]);
        fixed (float* pw = w, px = x, py = y)
        {
            var (weights, from, to) = ((nint)pw, (nint)px, (nint)py);
            Assert.Equal(0, Allocations.LeastOf(() => Products((float*)weights, (float*)from, (float*)to)));
        }

        static void Products(float* w, float* x, float* y)
        {
            foreach (var tokens in (ReadOnlySpan<int>)[1, 64])
            {
                FloatProducts.Multiply(KernelPaths.Selected, w, 64, 64, x, 64, tokens, 61, y, 64);
                FloatProducts.MultiplyTransposed(KernelPaths.Selected, w, 64, 64, x, 64, tokens, 61, y, 64);
            }
        }
    }

    [Fact]
    public void MultiplyAndMultiplyTransposed_WrongArguments_AreNamed()
    {
        var memory = new float[64];
        fixed (float* p = memory)
        {
            var at = (nint)p;
            Throws<ArgumentOutOfRangeException>("rows", at, at, at, rows: -1);
            Throws<ArgumentOutOfRangeException>("tokens", at, at, at, tokens: -1);
            Throws<ArgumentOutOfRangeException>("columns", at, at, at, columns: -1);
            Throws<ArgumentNullException>("weights", 0, at, at);
            Throws<ArgumentNullException>("x", at, 0, at);
            Throws<ArgumentNullException>("y", at, at, 0);
            Throws<ArgumentOutOfRangeException>("weightStride", at, at, at, weightStride: 3);
            Throws<ArgumentOutOfRangeException>("xStride", at, at, at, xStride: 3);
            var error = Throws<ArgumentOutOfRangeException>("yStride", at, at, at, yStride: 3);
            Assert.StartsWith("The next outputs must begin after these, of which there are 4.", error.Message, StringComparison.Ordinal);
        }

        static T Throws<T>(string name, nint w, nint x, nint y, int weightStride = 4, int rows = 4, int xStride = 4, int tokens = 4, int columns = 4, int yStride = 4)
            where T : ArgumentException
        {
            Assert.Throws<T>(name, () => FloatProducts.MultiplyTransposed(KernelPath.Scalar, (float*)w, weightStride, rows, (float*)x, xStride, tokens, columns, (float*)y, yStride));
            return Assert.Throws<T>(name, () => FloatProducts.Multiply(KernelPath.Scalar, (float*)w, weightStride, rows, (float*)x, xStride, tokens, columns, (float*)y, yStride));
        }
    }

    // Rows lie apart, and what lies between stays.
    private static void AssertEqual(Random random, KernelPath path, int rows, int tokens, int columns, bool transposed)
    {
        const int beyond = 3;
        var (inputs, outputs) = transposed ? (rows, columns) : (columns, rows);
        var (w, x) = (Values(random, rows * (columns + beyond)), Values(random, tokens * (inputs + beyond)));
        var expected = new float[tokens * (outputs + beyond)];
        Array.Fill(expected, -7);
        var actual = (float[])expected.Clone();

        fixed (float* pw = w, px = x, pExpected = expected, pActual = actual)
        {
            if (transposed)
            {
                FloatProducts.MultiplyTransposed(KernelPath.Scalar, pw, columns + beyond, rows, px, inputs + beyond, tokens, columns, pExpected, outputs + beyond);
                FloatProducts.MultiplyTransposed(path, pw, columns + beyond, rows, px, inputs + beyond, tokens, columns, pActual, outputs + beyond);
            }
            else
            {
                FloatProducts.Multiply(KernelPath.Scalar, pw, columns + beyond, rows, px, inputs + beyond, tokens, columns, pExpected, outputs + beyond);
                FloatProducts.Multiply(path, pw, columns + beyond, rows, px, inputs + beyond, tokens, columns, pActual, outputs + beyond);
            }
        }

        Assert.True(Bits(expected).SequenceEqual(Bits(actual)), $"{path}: {rows} rows, {tokens} tokens, {columns} columns");
        Assert.Equal([-7, -7, -7], actual[^beyond..]);
    }

    private static float[] Values(Random random, int count)
    {
        var values = new float[count];
        foreach (ref var value in values.AsSpan())
            value = random.NextSingle() - 0.5f;
        return values;
    }

    private static int[] Bits(float[] values) => MemoryMarshal.Cast<float, int>(values).ToArray();
}
