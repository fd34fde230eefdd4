using Deepseek.Inference.Caching;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Layers;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Compute;

public sealed class CalibratingOperationsTests
{
    private readonly ColumnEnergiesCounter _counter = new();
    private readonly CalibratingOperations _operations;

    public CalibratingOperationsTests() => _operations = new CalibratingOperations(new TorchOperations(AttentionForm.Absorbed), _counter);

    [Fact]
    public void Linear_Rows_AreCountedAndMultiplied()
    {
        using var scope = NewDisposeScope();
        var weight = new FloatMatrix(tensor(new float[] { 1, 0, 2, 0, 1, 0 }, [2, 3])) { Name = "w" };

        var first = _operations.Linear(tensor(new float[] { 1, 2, 3, 4, 5, 6 }, [2, 3]), weight, tensor(new float[] { 10, 20 }));
        _operations.Linear(tensor(new float[] { 0, 0, 9 }, [1, 3]), weight);

        Assert.Equal([17, 22, 26, 25], first.ToArray<float>());
        Assert.Equal([17f / 3, 29f / 3, 126f / 3], Energies("w"));
        Assert.Equal(3, _counter.ToEnergies("model").TokensOf("w"));
    }

    [Fact]
    public void SwiGlu_Row_CountsWhatLiesBetweenTheProducts()
    {
        using var scope = NewDisposeScope();
        var weights = new FeedForwardWeights(
            new FloatMatrix(tensor(new float[] { 1, 0, 0, 2 }, [2, 2])) { Name = "gate" },
            new FloatMatrix(tensor(new float[] { 3, 0, 0, 1 }, [2, 2])) { Name = "up" },
            new FloatMatrix(tensor(new float[] { 1, 1 }, [1, 2])) { Name = "down" });

        var result = _operations.SwiGlu(tensor(new float[] { 1, -1 }, [1, 2]), weights);

        var gated = new[] { 3 / (1 + Math.Exp(-1)), 2 / (1 + Math.Exp(2)) }; // SiLU(1)·3 and SiLU(−2)·(−1)
        Assert.Equal(gated.Sum(), result.ToArray<float>()[0], 1e-5);
        Assert.Equal([1, 1], Energies("gate"));
        Assert.Equal([1, 1], Energies("up"));
        Assert.Equal(gated[0] * gated[0], Energies("down")[0], 1e-5);
        Assert.Equal(gated[1] * gated[1], Energies("down")[1], 1e-5);
    }

    [Theory]
    [InlineData(CachePrecision.Float32)]
    [InlineData(CachePrecision.BFloat16)]
    public void AttendLatent_TokensInTheCache_CountsTheNewestLatentsAlone(CachePrecision precision)
    {
        using var scope = NewDisposeScope();
        using var cache = Passes.Cache(latent: 2, rope: 1, options: new CacheOptions { Precision = precision });
        var up = new FloatMatrix(ones(2, 2)) { Name = "kv_b" };
        cache.Append(0, tensor(new float[] { 50, 50, 50 }, [1, 3]));
        cache.Advance([1]);
        cache.Append(0, tensor(new float[] { 1, 2, 60, 3, 4, 70 }, [2, 3]));

        var expected = new TorchOperations(AttentionForm.Absorbed).AttendLatent(ones(2, 1, 1), ones(2, 1, 1), up, cache, 0, 0.1);
        var actual = _operations.AttendLatent(ones(2, 1, 1), ones(2, 1, 1), up, cache, 0, 0.1);

        Assert.Equal(expected.ToArray<float>(), actual.ToArray<float>());
        Assert.Equal([5, 10], Energies("kv_b")); // (1 + 9) / 2 and (4 + 16) / 2; neither the older token nor the rotated key
    }

    [Fact]
    public void Embed_Ids_CountsNothing()
    {
        using var scope = NewDisposeScope();
        var table = new FloatMatrix(tensor(new float[] { 1, 2, 3, 4 }, [2, 2])) { Name = "table" };

        var rows = _operations.Embed(tensor(new long[] { 1 }), table);

        Assert.Equal([3, 4], rows.ToArray<float>());
        Assert.Empty(_counter.ToEnergies("model").Names);
    }

    [Fact]
    public void RmsNormAndAttendGrouped_AnyInput_ArePassedOn()
    {
        using var scope = NewDisposeScope();
        using var cache = new KeyValueCache(new object(), 1, 1, 2, 8, new CacheOptions(), CPU);
        cache.Append(0, tensor(new float[] { 1, 0, 5, 6 }, [1, 4]));

        var normed = _operations.RmsNorm(tensor(new float[] { 3, 4 }, [1, 2]), ones(2), 0);
        var attended = _operations.AttendGrouped(ones(1, 1, 2), cache, 0, 1, 1);

        Assert.Equal(3 / Math.Sqrt(12.5), normed.ToArray<float>()[0], 1e-6);
        Assert.Equal([5, 6], attended.ToArray<float>());
        Assert.Empty(_counter.ToEnergies("model").Names);
    }

    [Fact]
    public void Linear_MatrixWithoutName_IsRefused()
    {
        using var scope = NewDisposeScope();

        var fault = Assert.Throws<ArgumentException>(() => _operations.Linear(ones(1, 3), new FloatMatrix(ones(2, 3))));

        Assert.Equal(
            "A matrix of [2, 3] has no name, under which its energies could be kept; whoever loads it must name it as its checkpoint does. (Parameter 'matrices')", fault.Message);
    }

    private float[] Energies(string name) => _counter.ToEnergies("model").Of(name)!;
}
