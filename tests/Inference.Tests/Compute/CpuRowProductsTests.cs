using Deepseek.Inference.Compute;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Layers;
using Deepseek.Inference.Tests.Models;
using Deepseek.Inference.Tests.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Compute;

public sealed unsafe class CpuRowProductsTests
{
    private const int First = 60; // the end of a band and the begin of the next
    private const int Rows = 9;

    [Theory]
    [InlineData("BandInt8", 96, ActivationPrecision.Int16, Rows, true)]
    [InlineData("BandInt8", 512, ActivationPrecision.Int8, 512, true)]
    [InlineData("BandInt8", 96, ActivationPrecision.Fp32, Rows, false)]
    [InlineData("BandInt8", 576, ActivationPrecision.Int16, Rows, false)]
    [InlineData("BandInt8", 96, ActivationPrecision.Int16, 513, false)]
    [InlineData("BandInt8Block", 96, ActivationPrecision.Int16, Rows, false)]
    [InlineData("BandNf4", 96, ActivationPrecision.Int16, Rows, false)]
    [InlineData("BF16", 96, ActivationPrecision.Int16, Rows, false)]
    public void Products_AnyMatrix_AreExactSumsWhereTheyFitAndFp32Elsewhere(string form, int columns, ActivationPrecision activations, int mostRows, bool exact)
    {
        using var scope = NewDisposeScope();
        using var made = new MadeMatrix(form, columns);
        using var engine = new CpuEngine(1, activations);
        var products = new CpuRowProducts(engine);
        products.Use(made.Matrix, mostRows);
        var rows = stackalloc Int8Row[Rows];
        foreach (var tokens in (int[])[1, 3])
        {
            var (along, against) = (Passes.NormalValues(new Random(1), tokens * columns), Passes.NormalValues(new Random(2), tokens * Rows));
            var (y, expectedY, z, expectedZ) = (new float[tokens * Rows], new float[tokens * Rows], new float[tokens * columns], new float[tokens * columns]);
            fixed (float* a = along, b = against, ay = y, ey = expectedY, az = z, ez = expectedZ)
            {
                products.Multiply(First, Rows, a, columns, tokens, ay, Rows, worker: 0);
                products.MultiplyTransposed(First, Rows, b, Rows, tokens, az, columns, worker: 0);
                if (exact)
                {
                    ((BandMatrix)made.Matrix).FindRows(First, Rows, rows);
                    ExactProducts.Multiply(KernelPath.Scalar, rows, Rows, columns, a, columns, tokens, ey, Rows);
                    ExactProducts.MultiplyTransposed(KernelPath.Scalar, rows, Rows, columns, b, Rows, tokens, ez, columns);
                }
                else
                {
                    var widened = new float[Rows * columns];
                    fixed (float* w = widened)
                    {
                        made.Matrix.WidenRows(First, Rows, w);
                        FloatProducts.Multiply(KernelPath.Scalar, w, columns, Rows, a, columns, tokens, columns, ey, Rows);
                        FloatProducts.MultiplyTransposed(KernelPath.Scalar, w, columns, Rows, b, Rows, tokens, columns, ez, columns);
                    }
                }
            }

            Fixture.AssertSameBits(expectedY, y);
            Fixture.AssertSameBits(expectedZ, z);
        }
    }

    [Fact]
    public void FindRows_NoSuchRows_NamesThem()
    {
        using var scope = NewDisposeScope();
        using var made = new MadeMatrix("BandInt8", 64);
        var matrix = (BandMatrix)made.Matrix;

        Assert.Throws<ArgumentOutOfRangeException>("count", () => matrix.FindRows(MadeMatrix.Rows - 1, 2, null));
        Assert.Throws<ArgumentOutOfRangeException>("first", () => matrix.FindRows(MadeMatrix.Rows + 1, 0, null));
    }
}
