using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels.Tests;

public sealed unsafe class Int8RowProductsTests
{
    private const string NoVectors = "This processor has no AVX2.";

    public static TheoryData<WeightPrecision, int, int> Shapes => new()
    {
        { WeightPrecision.Int8, 128, 64 },
        { WeightPrecision.Int8, 256, 512 },
        { WeightPrecision.Int8Block, 64, 192 },
        { WeightPrecision.Int8Block, 100, 512 },
    };

    [Theory, MemberData(nameof(Shapes))]
    public void Products_AnyRows_HaveTheBitsOfWidenedRows(WeightPrecision precision, int rows, int columns)
    {
        var path = KernelPaths.Selected;
        Assert.SkipUnless(path >= KernelPath.Avx2, NoVectors);
        var random = new Random(20261128);
        var layout = new BandLayout(precision, rows, columns);
        var matrix = ProductData.Matrix(random, layout);
        var memory = (byte*)NativeMemory.AlignedAlloc((nuint)matrix.Length, BandLayout.LineBytes);
        try
        {
            matrix.CopyTo(new Span<byte>(memory, matrix.Length));
            for (var band = 0; band < layout.BandCount; band++)
            {
                foreach (var (first, count) in ((int, int)[])[(0, 4), (4, 8), (0, layout.RowsOf(band)), (16, layout.RowsOf(band) - 16)])
                {
                    var source = memory + layout.OffsetOf(band);
                    var widened = new float[count * columns];
                    Bands.Decode(layout, band, new ReadOnlySpan<byte>(source, layout.BytesOf(band)), first, count, widened);
                    var (along, against) = (BandData.Normal(random, columns), BandData.Normal(random, count));
                    var (expected, actual) = (new float[count], new float[count]);
                    var sums = BandData.Normal(random, columns);
                    var (expectedSums, actualSums) = ((float[])sums.Clone(), (float[])sums.Clone());

                    Assert.True(Int8RowProducts.Supports(path, layout, ((long)band * BandLayout.BandRows) + first, count));
                    fixed (float* w = widened, x = along, z = against, e = expected, a = actual, es = expectedSums, aSums = actualSums)
                    {
                        FloatProducts.Multiply(path, w, columns, count, x, columns, 1, columns, e, count);
                        Int8RowProducts.Multiply(layout, band, source, first, count, x, a);
                        FloatProducts.MultiplyTransposed(path, w, columns, count, z, count, 1, columns, es, columns, add: true);
                        Int8RowProducts.AddTransposed(layout, band, source, first, count, z, aSums);
                    }

                    Assert.Equal(expected, actual);
                    Assert.Equal(expectedSums, actualSums);
                }
            }
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    [Theory]
    [InlineData(KernelPath.Scalar, WeightPrecision.Int8, 512, 0, 64)]
    [InlineData(KernelPath.Vector128, WeightPrecision.Int8, 512, 0, 64)]
    [InlineData(KernelPath.Avx2, WeightPrecision.Nf4, 512, 0, 64)]
    [InlineData(KernelPath.Avx2, WeightPrecision.Int8, 500, 0, 64)]
    [InlineData(KernelPath.Avx2, WeightPrecision.Int8, 512, 2, 64)]
    [InlineData(KernelPath.Avx2, WeightPrecision.Int8, 512, 0, 63)]
    public void Supports_WhatItCannotRead_False(KernelPath path, WeightPrecision precision, int columns, int first, int rows) =>
        Assert.False(Int8RowProducts.Supports(path, new BandLayout(precision, 128, columns), first, rows));
}
