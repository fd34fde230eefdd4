using Deepseek.Inference.Compute;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Diagnostics;
using Deepseek.Inference.Tests.Layers;
using Deepseek.Inference.Tests.Models;
using Deepseek.Inference.Tests.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Compute;

public sealed class TorchOperationsTests
{
    /// <summary>fp32 sums of up to 1,537 products against sums in double.</summary>
    private const double Tolerance = 1e-5;

    private static readonly TorchOperations Operations = new(AttentionForm.Absorbed);

    [Theory]
    [InlineData(5, 7, false)] // smaller than a tile of 2²⁰ elements
    [InlineData(5, 7, true)]
    [InlineData(1500, 1537, false)] // 682 rows a tile: two whole tiles and a ragged one
    [InlineData(1500, 1537, true)]
    public void Linear_TilesOfAnySize_EqualTheProduct(int rows, int columns, bool withBias)
    {
        using var scope = NewDisposeScope();
        var random = new Random(1);
        var weight = Passes.Matrix(random, rows, columns);
        var (x, bias) = (Passes.Normal(random, 2, columns), Passes.Normal(random, rows));

        var result = Operations.Linear(x, weight, withBias ? bias : null);

        Assert.Equal([2, rows], result.shape);
        var expected = Rows(x).SelectMany(row => Oracle.Linear(row, weight)).ToArray();
        if (withBias)
            expected = [.. expected.Select((value, i) => value + bias.ToArray<float>()[i % rows])];
        Assert.InRange(Passes.RelativeDifference(expected, result), 0, Tolerance);
    }

    [Theory]
    [InlineData(130, 200)] // one tile
    [InlineData(700, 2500)] // 419 rows would fit a tile: 384, three blocks of 128, and a ragged end of 316
    [InlineData(200, 9000)] // not even a block of 128 rows fits: a block at a time
    public void Linear_Fp8_TilesBeginAtBlocks(int rows, int columns)
    {
        using var scope = NewDisposeScope();
        var random = new Random(2);
        using var weight = Fp8Matrices.Random(random, rows, columns, 128, 128);
        var x = Passes.Normal(random, 1, columns);

        var result = Operations.Linear(x, weight);

        Assert.InRange(Passes.RelativeDifference(Oracle.Linear(Rows(x)[0], weight), result), 0, Tolerance);
    }

    [Fact]
    public async Task RmsNorm_WhileFinalizersRun_GivesTheBits() // what TorchSharp passes to libtorch must be held until libtorch returns
    {
        using var scope = NewDisposeScope();
        var random = new Random(4);
        var (x, gain) = (Passes.Normal(random, 4, 37), Passes.Normal(random, 37));
        var expected = Operations.RmsNorm(x, gain, 1e-6).ToArray<float>();

        await using var storm = new FinalizerStorm();
        for (var i = 0; i < 10_000; i++)
        {
            using var inner = NewDisposeScope();
            Fixture.AssertSameBits(expected, Operations.RmsNorm(x, gain, 1e-6).ToArray<float>());
        }
    }

    [Fact]
    public void RmsNorm_AnyRows_EqualsTheOracle()
    {
        using var scope = NewDisposeScope();
        var random = new Random(3);
        var x = Passes.Normal(random, 4, 37).mul(tensor(new float[] { 1, 1e-4f, 1e4f, 0 }, [4, 1])); // ε matters in the second, and in a row of zeros
        var gain = Passes.Normal(random, 37);

        var result = Operations.RmsNorm(x, gain, 1e-6);

        foreach (var (row, actual) in Rows(x).Zip(Rows(result)))
        {
            var expected = Oracle.RmsNorm(row, gain.ToArray<float>(), 1e-6);
            Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, Tolerance));
        }
    }

    [Fact]
    public void SwiGlu_AnyRows_EqualsTheOracle()
    {
        using var scope = NewDisposeScope();
        var random = new Random(4);
        var weights = new FeedForwardWeights(Passes.Matrix(random, 31, 17), Passes.Matrix(random, 31, 17), Passes.Matrix(random, 17, 31));
        var x = Passes.Normal(random, 3, 17);

        var result = Operations.SwiGlu(x, weights);

        Assert.InRange(Passes.RelativeDifference([.. Rows(x).SelectMany(row => Oracle.SwiGlu(row, weights))], result), 0, Tolerance);
        Assert.Equal(4 * 3 * 31 * 17, weights.ByteSize);
    }

    [Fact]
    public void Embed_Ids_TakesTheirRows()
    {
        using var scope = NewDisposeScope();
        var table = new FloatMatrix(Passes.Counting(4, 3));

        var rows = Operations.Embed(tensor(new long[] { 3, 0, 3 }), table);

        Assert.Equal([9, 10, 11, 0, 1, 2, 9, 10, 11], rows.ToArray<float>());
    }

    private static double[][] Rows(Tensor x) => [.. x.ToArray<float>().Select(value => (double)value).Chunk((int)x.shape[1])];
}
