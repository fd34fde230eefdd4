using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels.Tests;

public sealed partial class BandProductsTests
{
    // Around the tile (4), the band (64), the block (64), the line (64 or 128 columns) and the chunk (1,024).
    private static readonly (int Rows, int Columns)[] Sizes = [(1, 1), (3, 63), (4, 64), (5, 65), (6, 127), (7, 128), (8, 129), (9, 192), (65, 320), (70, 352), (40, 200), (63, 640), (13, 1023), (12, 1024), (5, 1089), (4, 2300)];

    private static readonly ActivationPrecision[] Precisions = [ActivationPrecision.Int16, ActivationPrecision.Int8];

    public static TheoryData<WeightPrecision, ActivationPrecision> Forms => new MatrixTheoryData<WeightPrecision, ActivationPrecision>(ProductData.Weights, Precisions);

    /// <summary>All kernels: where instructions are absent, the same code over what stands for them.</summary>
    public static TheoryData<WeightPrecision, ActivationPrecision, string> FormsInOrders => InOrders(ProductData.Weights);

    /// <summary>All but the definition, which takes one token after the other.</summary>
    public static TheoryData<WeightPrecision, ActivationPrecision, string> VectorFormsInOrders =>
        [.. InOrders(ProductData.Weights).Where(row => row.Data.Item3 != nameof(ActivationOrder.Columns))];

    /// <summary>Those whose matrices are made of given weights: of Nf4Dynamic they are random here.</summary>
    public static TheoryData<WeightPrecision, ActivationPrecision, string> EncodedFormsInOrders => InOrders(ProductData.Weights.Where(weights => weights != WeightPrecision.Nf4Dynamic));

    [Theory, MemberData(nameof(FormsInOrders))]
    public void Multiply_RaggedMatrix_EqualsScalarBitForBit(WeightPrecision weights, ActivationPrecision activations, string kernel)
    {
        var order = Enum.Parse<ActivationOrder>(kernel);
        var random = new Random(20260301);
        foreach (var (rows, columns) in Sizes)
        {
            var layout = new BandLayout(weights, rows, columns);
            var matrix = ProductData.Matrix(random, layout);
            foreach (var tokens in new[] { 1, 2, 3, 4, 5, 11, 13 })
            {
                var x = BandData.Normal(random, tokens * columns);

                var actual = ProductData.Multiply(order, layout, matrix, x, activations);

                Assert.Equal(Bits(ProductData.Multiply(ActivationOrder.Columns, layout, matrix, x, activations)), Bits(actual));
            }
        }
    }

    /// <summary>Machine code takes several tiles in a call, and several calls for a band; an odd number of blocks moves the scales' steps on.</summary>
    [Theory, MemberData(nameof(VectorFormsInOrders))]
    public void Multiply_RowsSoLongThatCallsEndWithinABand_EqualsScalarBitForBit(WeightPrecision weights, ActivationPrecision activations, string kernel)
    {
        const int Columns = (156 * 64) + 1;
        var random = new Random(20260306);
        var layout = new BandLayout(weights, 70, Columns);
        var matrix = ProductData.Matrix(random, layout);
        foreach (var tokens in new[] { 3, 4, 8 })
        {
            var x = BandData.Normal(random, tokens * Columns);

            var actual = ProductData.Multiply(Enum.Parse<ActivationOrder>(kernel), layout, matrix, x, activations);

            Assert.Equal(Bits(ProductData.Multiply(ActivationOrder.Columns, layout, matrix, x, activations)), Bits(actual));
        }
    }

    [Theory, MemberData(nameof(FormsInOrders))]
    public void Multiply_TokensAloneAndTogether_HaveTheSameBits(WeightPrecision weights, ActivationPrecision activations, string kernel)
    {
        var order = Enum.Parse<ActivationOrder>(kernel);
        const int Tokens = 140; // beyond what the kernels take at once
        var random = new Random(20260302);
        foreach (var (rows, columns) in new[] { (70, 1100), (5, 130) })
        {
            var layout = new BandLayout(weights, rows, columns);
            var matrix = ProductData.Matrix(random, layout);
            var x = BandData.Normal(random, Tokens * columns);
            var together = order == ActivationOrder.Columns ? null : ProductData.Multiply(order, layout, matrix, x, activations);
            var expected = Enumerable.Range(0, 40).Select(token => ProductData.Multiply(order, layout, matrix, x[(token * columns)..((token + 1) * columns)], activations)).ToArray();

            foreach (var count in new[] { 1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 33 })
            {
                foreach (var first in new[] { 0, 1, 6 })
                {
                    var some = ProductData.Multiply(order, layout, matrix, x[(first * columns)..((first + count) * columns)], activations);

                    Assert.Equal(Bits([.. expected.Skip(first).Take(count).SelectMany(token => token)]), Bits(some));
                }
            }

            if (together is not null)
                Assert.Equal(Bits([.. expected.SelectMany(token => token)]), Bits(together.AsSpan(0, expected.Length * rows)));
        }
    }

    [Theory, MemberData(nameof(FormsInOrders))]
    public void Multiply_ListOfTokens_TakesThoseInTheirOrder(WeightPrecision weights, ActivationPrecision activations, string kernel)
    {
        const int Tokens = 12;
        var random = new Random(20260306);
        var layout = new BandLayout(weights, 60, 330);
        var matrix = ProductData.Matrix(random, layout);
        using var x = ProductData.Prepare(layout.Columns, BandData.Normal(random, Tokens * layout.Columns), activations, Enum.Parse<ActivationOrder>(kernel));
        var all = ProductData.Multiply(layout, matrix, x);

        foreach (var tokens in new int[][] { [], [7], [3, 3, 0], [11, 0, 10, 1, 9, 2, 8, 3, 7, 4, 6] })
        {
            var some = ProductData.Multiply(layout, matrix, x, tokens);

            Assert.Equal(Bits([.. tokens.SelectMany(token => all[(token * layout.Rows)..((token + 1) * layout.Rows)])]), Bits(some));
        }
    }

    [Theory, MemberData(nameof(VectorFormsInOrders))]
    public void Multiply_WideMatrixByManyTokens_EqualsTokensAlone(WeightPrecision weights, ActivationPrecision activations, string kernel)
    {
        const int Tokens = 19; // of so many columns more than are taken at once anywhere
        var order = Enum.Parse<ActivationOrder>(kernel);
        var random = new Random(20260305);
        var layout = new BandLayout(weights, 20, 10_000);
        var matrix = ProductData.Matrix(random, layout);
        var x = BandData.Normal(random, Tokens * layout.Columns);

        var together = ProductData.Multiply(order, layout, matrix, x, activations);

        var alone = Enumerable.Range(0, Tokens).SelectMany(token => ProductData.Multiply(order, layout, matrix, x[(token * layout.Columns)..((token + 1) * layout.Columns)], activations));
        Assert.Equal(Bits([.. alone]), Bits(together));
    }

    [Theory, MemberData(nameof(Forms))]
    public void Multiply_NormalData_IsNearTheProductInDoublePrecision(WeightPrecision weights, ActivationPrecision activations)
    {
        var layout = new BandLayout(weights, 128, 1408);
        var random = new Random(20260303);
        var matrix = ProductData.Matrix(random, layout);
        var x = BandData.Normal(random, 8 * layout.Columns);

        var actual = ProductData.Multiply(ActivationBlocks.OrderOf(KernelPaths.Selected, activations), layout, matrix, x, activations);

        Assert.InRange(RelativeError(Expected(layout, matrix, x), actual), 0, LargestError(weights, activations));
    }

    [Theory, MemberData(nameof(EncodedFormsInOrders))]
    public void Multiply_LargestSums_DoNotOverflow(WeightPrecision weights, ActivationPrecision activations, string kernel)
    {
        const double Tolerance = 1e-2; // of rounding, the levels' too; an overflow would change the sign
        var layout = new BandLayout(weights, 64, 256);
        var matrix = BandData.Encode(KernelPaths.Selected, layout, [.. Enumerable.Repeat(1f, layout.Rows * layout.Columns)], []);
        float[] x = [.. Enumerable.Repeat(-3f, 9 * layout.Columns)];

        var actual = ProductData.Multiply(Enum.Parse<ActivationOrder>(kernel), layout, matrix, x, activations);

        var expected = -3.0 * BandData.Decode(KernelPaths.Selected, layout, matrix).Take(layout.Columns).Sum();
        Assert.All(actual, value => Assert.InRange(value / expected, 1 - Tolerance, 1 + Tolerance));
    }

    /// <summary>Root-mean-square errors relative to the root mean square of the outputs, a fifth above those that the data of this test give.</summary>
    private static double LargestError(WeightPrecision weights, ActivationPrecision activations) => (weights, activations) switch
    {
        (WeightPrecision.Nf4 or WeightPrecision.Nf4Dynamic, ActivationPrecision.Int16) => 8e-5, // of the activations 5e-5, of the levels 3.6e-5
        (_, ActivationPrecision.Int16) => 1e-4,
        (WeightPrecision.Nf4 or WeightPrecision.Nf4Dynamic, _) => 7.8e-3, // of the activations 5.5e-3, of the levels 3.3e-3
        (_, _) => 6.7e-3,
    };

    private static double[] Expected(BandLayout layout, byte[] matrix, float[] x)
    {
        var decoded = BandData.Decode(KernelPath.Scalar, layout, matrix);
        var expected = new double[x.Length / layout.Columns * layout.Rows];
        for (var i = 0; i < expected.Length; i++)
        {
            var (token, row) = Math.DivRem(i, layout.Rows);
            for (var column = 0; column < layout.Columns; column++)
                expected[i] += (double)x[(token * layout.Columns) + column] * decoded[(row * layout.Columns) + column];
        }

        return expected;
    }

    private static double RelativeError(double[] expected, float[] actual) =>
        Math.Sqrt(expected.Zip(actual).Sum(pair => Math.Pow(pair.First - pair.Second, 2)) / expected.Sum(value => value * value));

    private static int[] Bits(ReadOnlySpan<float> values) => MemoryMarshal.Cast<float, int>(values).ToArray();

    private static TheoryData<WeightPrecision, ActivationPrecision, string> InOrders(IEnumerable<WeightPrecision> precisions)
    {
        var data = new TheoryData<WeightPrecision, ActivationPrecision, string>();
        foreach (var weights in precisions)
        {
            data.Add(weights, ActivationPrecision.Int16, nameof(ActivationOrder.Columns));
            data.Add(weights, ActivationPrecision.Int16, nameof(ActivationOrder.EvenOdd));
            data.Add(weights, ActivationPrecision.Int8, nameof(ActivationOrder.Columns));
            if (!KernelPaths.Available.Contains(KernelPath.Avx2))
                continue;
            data.Add(weights, ActivationPrecision.Int16, nameof(ActivationOrder.Words));
            if (WordTiles.IsSupported)
                data.Add(weights, ActivationPrecision.Int16, nameof(ActivationOrder.TileWords));
            data.Add(weights, ActivationPrecision.Int8, nameof(ActivationOrder.Magnitudes));
            data.Add(weights, ActivationPrecision.Int8, nameof(ActivationOrder.Correction));
            if (!KernelPaths.Available.Contains(KernelPath.Avx512Vnni))
                continue;
            data.Add(weights, ActivationPrecision.Int16, nameof(ActivationOrder.DotWords));
            data.Add(weights, ActivationPrecision.Int8, nameof(ActivationOrder.DotBytes));
        }

        return data;
    }
}
