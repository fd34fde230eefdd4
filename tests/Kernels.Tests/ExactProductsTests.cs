using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels.Tests;

public sealed unsafe class ExactProductsTests
{
    private const int Beyond = 3; // numbers between a token's and the next one's

    public static TheoryData<KernelPath> Paths => [.. KernelPaths.Available.Append(KernelPath.Avx512).Distinct()];

    [Theory, MemberData(nameof(Paths))]
    public void Products_AnyShapeAndTokens_EqualTheDefinitionBitForBit(KernelPath path)
    {
        Assert.SkipUnless(path < KernelPath.Avx2 || KernelPaths.Available.Contains(KernelPath.Avx2), "This processor has no AVX2.");
        var random = new Random(20261129);
        foreach (var (first, rows) in ((int, int)[])[(0, 128), (0, 1), (1, 2), (2, 7), (61, 5), (60, 68), (127, 3), (0, 0)])
        {
            foreach (var columns in (int[])[512, 1, 17, 64, 72, 129, 192])
            {
                using var matrix = new Matrix(random, 130, columns);
                foreach (var tokens in (int[])[0, 1, 2, 3, 4, 5, 9])
                {
                    var along = Spread(random, tokens * (columns + Beyond));
                    Assert.Equal(matrix.Multiply(KernelPath.Scalar, first, rows, along, tokens), matrix.Multiply(path, first, rows, along, tokens));
                    if (rows == 0)
                        continue;

                    var against = Spread(random, tokens * (rows + Beyond));
                    Assert.Equal(matrix.MultiplyTransposed(KernelPath.Scalar, first, rows, against, tokens), matrix.MultiplyTransposed(path, first, rows, against, tokens));
                }
            }
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Products_TheLargestNumbers_DoNotOverflow(KernelPath path)
    {
        var weights = new float[512 * 512];
        Array.Fill(weights, -1);
        using var matrix = new Matrix(weights, 512, 512);
        var ones = new float[2 * (512 + Beyond)];
        Array.Fill(ones, 1);

        // 512 · −127 · 32,767, of which fp32 keeps 24 bits, times steps of 1/32,767 and 1/127.
        foreach (var y in new[] { matrix.Multiply(path, 0, 512, ones, 2), matrix.MultiplyTransposed(path, 0, 512, ones, 2) })
        {
            for (var token = 0; token < 2; token++)
                Assert.All(y.AsSpan(token * (512 + Beyond), 512).ToArray(), sum => Assert.Equal(-512, sum, 512 * 2e-7));
        }
    }

    [Fact]
    public void Products_NormalNumbers_AreThoseOfDoublesButForRounding()
    {
        var random = new Random(20261130);
        const int rows = 128, columns = 512;
        using var matrix = new Matrix(random, rows, columns);
        var (along, against) = (BandData.Normal(random, columns), BandData.Normal(random, rows));
        var decoded = matrix.Decode();

        var (y, z) = (matrix.Multiply(KernelPaths.Selected, 0, rows, along, 1), matrix.MultiplyTransposed(KernelPaths.Selected, 0, rows, against, 1));

        double[] expectedY = [.. Enumerable.Range(0, rows).Select(r => Enumerable.Range(0, columns).Sum(c => (double)along[c] * decoded[(r * columns) + c]))];
        double[] expectedZ = [.. Enumerable.Range(0, columns).Select(c => Enumerable.Range(0, rows).Sum(r => (double)against[r] * decoded[(r * columns) + c]))];
        Assert.InRange(Error(expectedY, y), 0, 6e-5);
        Assert.InRange(Error(expectedZ, z), 0, 6e-5);
    }

    [Theory, MemberData(nameof(Paths))]
    public void Products_ATokenThatIsNotFinite_ReachesItsOutputsAndNoOthers(KernelPath path)
    {
        var random = new Random(20261201);
        using var matrix = new Matrix(random, 64, 64);
        foreach (var (tokens, bad, value) in ((int, int, float)[])[(1, 0, float.NaN), (1, 0, float.PositiveInfinity), (3, 1, float.NaN), (3, 1, float.NegativeInfinity)])
        {
            var x = BandData.Normal(random, tokens * (64 + Beyond));
            x[(bad * (64 + Beyond)) + 5] = value;

            foreach (var y in new[] { matrix.Multiply(path, 0, 64, x, tokens), matrix.MultiplyTransposed(path, 0, 64, x, tokens) })
            {
                for (var token = 0; token < tokens; token++)
                    Assert.All(y.AsSpan(token * (64 + Beyond), 64).ToArray(), output => Assert.Equal(token != bad, float.IsFinite(output)));
            }
        }
    }

    [Theory]
    [InlineData(0, 64)]
    [InlineData(3, 58)]
    [InlineData(63, 1)]
    public void Find_RowsOfABand_AreThoseFoundOneByOne(int first, int count)
    {
        var layout = new BandLayout(WeightPrecision.Int8, 128, 100);
        var bytes = new byte[layout.BytesOf(1)];
        new Random(20261202).NextBytes(bytes);
        var (together, alone) = (new Int8Row[count], new Int8Row[1]);
        fixed (byte* source = bytes)
        fixed (Int8Row* all = together, one = alone)
        {
            Int8Row.Find(layout, 1, source, first, count, all);
            for (var row = 0; row < count; row++)
            {
                Int8Row.Find(layout, 1, source, first + row, 1, one);
                Assert.Equal(((nint)one->Line, one->Scale), ((nint)all[row].Line, all[row].Scale));
                Assert.Equal((nint)source + layout.LineOffset(layout.HeaderBytesOf(1), first + row, 0), (nint)one->Line);
            }
        }
    }

    [Theory]
    [InlineData(WeightPrecision.Int8, 512, 512, true)]
    [InlineData(WeightPrecision.Int8, 513, 1, false)]
    [InlineData(WeightPrecision.Int8, 1, 513, false)]
    [InlineData(WeightPrecision.Int8Block, 64, 64, false)]
    [InlineData(WeightPrecision.Nf4, 64, 64, false)]
    public void Supports_SumsThatFit_True(WeightPrecision precision, int columns, int rows, bool expected) =>
        Assert.Equal(expected, ExactProducts.Supports(new BandLayout(precision, 1024, columns), rows));

    [Theory]
    [InlineData(0)]
    [InlineData(513)]
    public void Products_SumsThatMayNotFit_SaySo(int terms)
    {
        var along = Assert.Throws<ArgumentOutOfRangeException>("columns", () => ExactProducts.Multiply(KernelPath.Scalar, null, 1, terms, null, 0, 1, null, 0));
        var against = Assert.Throws<ArgumentOutOfRangeException>("count", () => ExactProducts.MultiplyTransposed(KernelPath.Scalar, null, terms, 1, null, 0, 1, null, 0));
        Assert.StartsWith("An output must be a sum of 1 to 512 products: more may not fit 32 bits.", along.Message, StringComparison.Ordinal);
        Assert.StartsWith("An output must be a sum of 1 to 512 products: more may not fit 32 bits.", against.Message, StringComparison.Ordinal);
    }

    // Of any size, and now and then 0.
    private static float[] Spread(Random random, int count) =>
        [.. BandData.Normal(random, count).Select(value => random.Next(10) == 0 ? 0 : value * MathF.Pow(10, random.Next(-3, 4)))];

    private static double Error(double[] expected, float[] actual) =>
        Math.Sqrt(expected.Zip(actual).Sum(pair => Math.Pow(pair.First - pair.Second, 2)) / expected.Sum(value => value * value));

    private sealed class Matrix : IDisposable
    {
        private readonly BandLayout _layout;
        private readonly byte* _bytes;

        public Matrix(Random random, int rows, int columns)
            : this(BandData.Normal(random, rows * columns), rows, columns)
        {
        }

        public Matrix(float[] weights, int rows, int columns)
        {
            _layout = new BandLayout(WeightPrecision.Int8, rows, columns);
            var bytes = BandData.Encode(KernelPaths.Selected, _layout, weights, []);
            _bytes = (byte*)NativeMemory.AlignedAlloc((nuint)bytes.Length, BandLayout.LineBytes);
            bytes.CopyTo(new Span<byte>(_bytes, bytes.Length));
        }

        public float[] Decode() => BandData.Decode(KernelPath.Scalar, _layout, new ReadOnlySpan<byte>(_bytes, (int)_layout.ByteLength).ToArray());

        public float[] Multiply(KernelPath path, int first, int count, float[] x, int tokens)
        {
            var (rows, y) = (Find(first, count), Outputs(tokens, count));
            fixed (Int8Row* found = rows)
            fixed (float* from = x, to = y)
                ExactProducts.Multiply(path, found, count, _layout.Columns, from, StrideOf(x, tokens), tokens, to, StrideOf(y, tokens));
            return y;
        }

        public float[] MultiplyTransposed(KernelPath path, int first, int count, float[] x, int tokens)
        {
            var (rows, y) = (Find(first, count), Outputs(tokens, _layout.Columns));
            fixed (Int8Row* found = rows)
            fixed (float* from = x, to = y)
                ExactProducts.MultiplyTransposed(path, found, count, _layout.Columns, from, StrideOf(x, tokens), tokens, to, StrideOf(y, tokens));
            return y;
        }

        public void Dispose() => NativeMemory.AlignedFree(_bytes);

        private static int StrideOf(float[] values, int tokens) => values.Length / Math.Max(1, tokens);

        private static float[] Outputs(int tokens, int width)
        {
            var y = new float[tokens * (width + Beyond)];
            Array.Fill(y, -7); // what is not written stays
            return y;
        }

        private Int8Row[] Find(int first, int count)
        {
            var rows = new Int8Row[count + 1];
            for (var row = first; row < first + count; row++)
            {
                var (band, within) = Math.DivRem(row, BandLayout.BandRows);
                fixed (Int8Row* found = rows)
                    Int8Row.Find(_layout, band, _bytes + _layout.OffsetOf(band), within, 1, found + row - first);
            }

            return rows;
        }
    }
}
