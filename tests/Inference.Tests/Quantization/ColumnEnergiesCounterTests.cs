using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Quantization;

public sealed class ColumnEnergiesCounterTests
{
    [Fact]
    public void Add_SeveralThreads_LosesNothing()
    {
        const int calls = 400;
        var counter = new ColumnEnergiesCounter();
        using var matrix = new FloatMatrix(ones(1, 2)) { Name = "w" };

        Parallel.For(0, calls, i =>
        {
            using var inputs = tensor(new float[] { i, 1, 0, 3 }, [2, 2]);
            counter.Add(inputs, matrix);
        });

        var energies = counter.ToEnergies("model");
        Assert.Equal(2 * calls, energies.TokensOf("w"));
        Assert.Equal([Enumerable.Range(0, calls).Sum(i => (float)i * i) / (2 * calls), 5], energies.Of("w")!);
    }

    [Fact]
    public void Add_MillionsOfTokens_KeepsSmallContributions()
    {
        // In single precision the sum would stand still at 2^24.
        var counter = new ColumnEnergiesCounter();
        using var matrix = new FloatMatrix(ones(1, 1)) { Name = "w" };
        using var sixteen = 16f.ToScalar();
        using var large = full(1 << 20, 1, sixteen);
        using var small = ones(1, 1);

        counter.Add(large, matrix);
        for (var i = 0; i < 64; i++)
            counter.Add(small, matrix);

        Assert.Equal((float)(((256.0 * (1 << 20)) + 64) / ((1 << 20) + 64)), counter.ToEnergies("model").Of("w")![0]);
    }

    [Fact]
    public void Add_SquaresBeyondSinglePrecision_AreRefusedInTheEnd()
    {
        var counter = new ColumnEnergiesCounter();
        using var matrix = new FloatMatrix(ones(1, 2)) { Name = "w" };
        using var inputs = tensor(new[] { 1f, 1e20f }, [1, 2]);
        counter.Add(inputs, matrix);

        var fault = Assert.Throws<CheckpointFormatException>(() => counter.ToEnergies("model"));

        Assert.Equal(("model", "w"), (fault.File, fault.Subject));
        Assert.StartsWith("model: w: the mean square of the activations that meet column 1 is Infinity; it must be finite.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Add_HalfPrecision_IsSquaredInSingle()
    {
        var counter = new ColumnEnergiesCounter();
        using var matrix = new FloatMatrix(ones(1, 1)) { Name = "w" };
        using var thousand = 1000.ToScalar();
        using var inputs = full(1, 1, thousand, dtype: ScalarType.Float16);

        counter.Add(inputs, matrix); // 10⁶ is beyond half precision

        Assert.Equal([1e6f], counter.ToEnergies("model").Of("w")!);
    }
}
