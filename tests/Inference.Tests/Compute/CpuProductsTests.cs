using Deepseek.Inference.Compute;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Layers;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Compute;

public sealed class CpuProductsTests
{
    private const int Tokens = 5;
    private const int Columns = 70;

    /// <summary>fp32 sums against sums in double.</summary>
    private const double Tolerance = 1e-5;

    [Fact]
    public unsafe void Run_SeveralMatricesAndABias_GivesEachItsProducts()
    {
        using var scope = NewDisposeScope();
        using var engine = new CpuEngine(2, ActivationPrecision.Fp32);
        using var input = Input(engine);
        WeightMatrix[] matrices = [Passes.Matrix(new Random(1), 130, Columns), Passes.Matrix(new Random(2), 1, Columns), Passes.Matrix(new Random(3), 64, Columns)];
        var outputs = matrices.Select(matrix => new float[Tokens * matrix.Rows]).ToArray();
        var bias = Passes.NormalValues(new Random(4), 130);

        fixed (float* first = outputs[0], second = outputs[1], third = outputs[2], added = bias)
        {
            engine.Products.Add(matrices[0], input, first, 130, added);
            engine.Products.Add(matrices[1], input, second, 1);
            engine.Products.Add(matrices[2], input, third, 64);
            engine.Products.Run();
        }

        AssertProducts(input, matrices[0], bias, outputs[0]);
        AssertProducts(input, matrices[1], null, outputs[1]);
        AssertProducts(input, matrices[2], null, outputs[2]);
        Assert.Equal(matrices.Sum(matrix => matrix.ByteSize), engine.BytesRead);
    }

    [Fact]
    public unsafe void Run_AfterAFault_ComputesWhatWasAddedSinceAlone()
    {
        using var scope = NewDisposeScope();
        using var engine = new CpuEngine(2, ActivationPrecision.Fp32);
        using var input = Input(engine);
        using var faulty = new FaultyMatrix(Passes.Normal(new Random(1), 130, Columns)) { Fails = true };
        var matrix = Passes.Matrix(new Random(2), 20, Columns);
        var (lost, kept) = (new float[Tokens * 130], new float[Tokens * 20]);

        fixed (float* first = lost, second = kept)
        {
            engine.Products.Add(faulty, input, first, 130);
            Assert.Throws<IOException>(engine.Products.Run);
            faulty.Fails = false;
            engine.Products.Add(matrix, input, second, 20);
            engine.Products.Run();
        }

        Assert.All(lost, value => Assert.Equal(0, value)); // else a pass that failed would write to memory that is another's by now
        AssertProducts(input, matrix, null, kept);
    }

    [Fact]
    public unsafe void Clear_AddedProducts_AreNotComputed()
    {
        using var scope = NewDisposeScope();
        using var engine = new CpuEngine(1, ActivationPrecision.Fp32);
        using var input = Input(engine);
        var lost = new float[Tokens * 20];

        fixed (float* to = lost)
        {
            engine.Products.Add(Passes.Matrix(new Random(2), 20, Columns), input, to, 20);
            engine.Products.Clear();
            engine.Products.Run();
        }

        Assert.All(lost, value => Assert.Equal(0, value));
    }

    private static unsafe CpuInput Input(CpuEngine engine)
    {
        var input = new CpuInput(engine);
        input.Reserve(Tokens, Columns, rounded: false);
        Passes.NormalValues(new Random(9), Tokens * Columns).CopyTo(new Span<float>(input.Start, Tokens * Columns));
        return input;
    }

    private static unsafe void AssertProducts(CpuInput input, WeightMatrix matrix, float[]? bias, float[] actual)
    {
        using var widened = matrix.Widen();
        var weights = widened.ToArray<float>();
        for (var t = 0; t < Tokens; t++)
        {
            for (var row = 0; row < matrix.Rows; row++)
            {
                var expected = (double)(bias?[row] ?? 0);
                var magnitude = 1.0;
                for (var c = 0; c < Columns; c++)
                {
                    expected += (double)input.Row(t)[c] * weights[(row * Columns) + c];
                    magnitude += Math.Abs((double)input.Row(t)[c] * weights[(row * Columns) + c]);
                }

                Assert.Equal(expected, actual[(t * matrix.Rows) + row], Tolerance * magnitude);
            }
        }
    }
}
