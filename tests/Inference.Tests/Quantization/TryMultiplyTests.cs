using Deepseek.Inference.Compute;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Layers;
using Deepseek.Inference.Tests.Models;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Quantization;

/// <summary>Products with rows as they are stored against products with widened rows, bit for bit.</summary>
public sealed unsafe class TryMultiplyTests
{
    private const int Rows = MadeMatrix.Rows;

    private static readonly KernelPath Path = KernelPaths.Selected;

    private static bool HasVectors => Path >= KernelPath.Avx2;

    public static TheoryData<string, int> Stored => new(
        from form in (string[])["BF16", "F16", "F8E4M3", "Fp8Block"] from columns in (int[])[32, 48, 160, 320] select (form, columns));

    public static TheoryData<string, int> Others => new(
        [.. from form in (string[])["F64", "F32", "F8E5M2", "Nf4Plain", "BandNf4", "BandBF16", "BandInt8", "BandInt8Block"] select (form, 192), ("BF16", 40), ("F16", 300), ("Fp8Block", 24)]);

    [Theory, MemberData(nameof(Stored))]
    public void TryMultiply_AnyRowsAndTokens_HasTheBitsOfWidenedRows(string form, int columns)
    {
        Assert.SkipUnless(HasVectors, "This processor has no AVX2.");
        using var scope = NewDisposeScope();
        using var made = new MadeMatrix(form, columns);
        var random = new Random(7);

        foreach (var tokens in (int[])[1, 2, 3, 4, 5, 8])
        {
            foreach (var (first, rows) in ((int, int)[])[(0, Rows), (0, 1), (5, 40), (64, 64), (132, 1), (Rows, 0)])
            {
                var x = Passes.NormalValues(random, tokens * columns);
                var (expected, actual) = (new float[(tokens * rows) + 1], new float[(tokens * rows) + 1]);

                Assert.True(Multiply(made.Matrix, first, rows, x, tokens, actual));
                Widened(made.Matrix, first, rows, x, tokens, expected);

                Fixture.AssertSameBits(expected, actual);
            }
        }
    }

    [Theory, MemberData(nameof(Others))]
    public void TryMultiply_NoKernelForIt_False(string form, int columns)
    {
        using var scope = NewDisposeScope();
        using var made = new MadeMatrix(form, columns);

        Assert.False(Multiply(made.Matrix, 0, 4, new float[columns], 1, new float[5]));
    }

    [Fact]
    public void TryMultiply_ManyTokens_False()
    {
        using var scope = NewDisposeScope();
        using var made = new MadeMatrix("BF16", 64);

        Assert.False(Multiply(made.Matrix, 0, 4, new float[9 * 64], 9, new float[37]));
    }

    [Theory]
    [InlineData("F16", 0x7C00)]
    [InlineData("F16", 0xFE01)]
    [InlineData("F8E4M3", 0x7F)]
    [InlineData("F8E4M3", 0xFF)]
    [InlineData("BF16", 0x7F80)]
    [InlineData("BF16", 0xFFC1)]
    public void Products_AnInfiniteWeightOrNaN_AreThoseOfWidenedRows(string form, int code)
    {
        using var scope = NewDisposeScope();
        using var made = new MadeMatrix(form, 64, at: (3 * 64) + 17, code);
        using var engine = new CpuEngine(1, ActivationPrecision.Fp32);
        using var input = new CpuInput(engine);
        input.Reserve(1, 64, rounded: false);
        var x = Passes.NormalValues(new Random(10), 64);
        x.CopyTo(new Span<float>(input.Start, 64));
        var (expected, actual) = (new float[Rows + 1], new float[Rows + 1]);

        fixed (float* y = actual)
        {
            engine.Products.Add(made.Matrix, input, y, Rows);
            engine.Products.Run();
        }

        Widened(made.Matrix, 0, Rows, x, 1, expected);
        Assert.False(float.IsFinite(expected[3]));
        Assert.Equal(expected, actual);
    }

    [Theory]
    [InlineData(1e30f, false)]
    [InlineData(float.NaN, false)]
    [InlineData(255f, true)]
    [InlineData(1e-40f, true)]
    [InlineData(-0.5f, true)]
    public void TryMultiply_ScalesOfFp8_AreRightOrRefused(float scale, bool multiplied)
    {
        Assert.SkipUnless(HasVectors, "This processor has no AVX2.");
        using var scope = NewDisposeScope();
        var codes = Enumerable.Range(0, 256).Select(code => (byte)((code & 0x7F) == 0x7F ? 0 : code)).ToArray();
        using var matrix = Fp8Matrices.Create(codes, [scale], 4, 64, 4, 64);
        var x = Passes.NormalValues(new Random(11), 64);
        var (expected, actual) = (new float[5], new float[5]);

        Assert.Equal(multiplied, Multiply(matrix, 0, 4, x, 1, actual));

        Widened(matrix, 0, 4, x, 1, expected);
        if (multiplied)
            Fixture.AssertSameBits(expected, actual);
    }

    [Fact]
    public void TryMultiply_NoSuchRows_NamesThem()
    {
        using var scope = NewDisposeScope();
        using var matrix = new FloatMatrix(zeros(4, 16));

        Assert.Throws<ArgumentOutOfRangeException>("count", () => matrix.TryMultiply(Path, 3, 2, null, 1, null, 2));
        Assert.Throws<ArgumentOutOfRangeException>("first", () => matrix.TryMultiply(Path, 5, 0, null, 1, null, 2));
    }

    private static bool Multiply(WeightMatrix matrix, int first, int rows, float[] x, int tokens, float[] y)
    {
        fixed (float* from = x, to = y)
            return matrix.TryMultiply(Path, first, rows, from, tokens, to, rows);
    }

    private static void Widened(WeightMatrix matrix, int first, int rows, float[] x, int tokens, float[] y)
    {
        var columns = (int)matrix.Columns;
        var widened = new float[(rows * columns) + 1];
        fixed (float* w = widened, from = x, to = y)
        {
            matrix.WidenRows(first, rows, w);
            FloatProducts.Multiply(Path, w, columns, rows, from, columns, tokens, columns, to, rows);
        }
    }
}
