using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Quantization;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Quantization;

public sealed class ColumnEnergiesTests
{
    private const string Head = "lm_head.weight";

    /// <summary>Means are kept in single precision.</summary>
    private const double Rounding = 1e-6;

    [Fact]
    public void Of_NoExpert_IsWhatWasMeasured()
    {
        var energies = Create((Head, [1, 0, 3], 1), ("model.layers.0.mlp.gate_proj.weight", [7], 2));

        Assert.Equal([1, 0, 3], energies.Of(Head)!);
        Assert.Equal([7], energies.Of("model.layers.0.mlp.gate_proj.weight")!);
        Assert.Equal([Head, "model.layers.0.mlp.gate_proj.weight"], energies.Names);
    }

    [Fact]
    public void Of_Experts_AreDrawnTowardsTheMeanOfTheirLayer()
    {
        var (often, seldom, never) = (Gate(1, 0), Gate(1, 1), Gate(1, 15));
        var energies = Create((often, [2, 8], 84), (seldom, [10, 0], 4), (Gate(2, 1), [1000, 1000], 50), (TensorNames.Expert(1, 1, "up_proj"), [500, 500], 4));

        double[] common = [((2 * 84) + (10 * 4)) / 88.0, 8 * 84 / 88.0];

        AssertClose([.. common.Select((mean, i) => ((i == 0 ? 2 * 84 : 8 * 84) + (16 * mean)) / 100)], energies.Of(often));
        AssertClose([.. common.Select((mean, i) => ((i == 0 ? 10 * 4 : 0) + (16 * mean)) / 20)], energies.Of(seldom));
        AssertClose(common, energies.Of(never));
        Assert.Equal((84, 4, 0), (energies.TokensOf(often), energies.TokensOf(seldom), energies.TokensOf(never)));
    }

    [Fact]
    public void Of_NothingKnown_IsNull()
    {
        var energies = Create((Head, [0, 0], 9), (Gate(1, 0), [0, 0], 9), (Gate(2, 0), [1, 1], 9));

        Assert.Null(energies.Of("model.norm.weight"));
        Assert.Null(energies.Of(TensorNames.Expert(2, 0, "down_proj")));
        Assert.Null(energies.Of(Gate(3, 0))); // no expert of that layer was measured
        Assert.Null(energies.Of(Head)); // all zeros would let every scale be as good as another
        Assert.Null(energies.Of(Gate(1, 0)));
        Assert.Throws<ArgumentNullException>(() => energies.Of(null!));
        Assert.Throws<ArgumentNullException>(() => energies.TokensOf(null!));
    }

    [Fact]
    public void Of_ResultWrittenTo_ChangesNothing()
    {
        var energies = Create((Head, [1], 1), (Gate(1, 0), [4], 1));

        energies.Of(Head)![0] = 5;
        energies.Of(Gate(1, 0))![0] = 5;
        energies.Of(Gate(1, 1))![0] = 5;

        Assert.Equal((1f, 4f, 4f), (energies.Of(Head)![0], energies.Of(Gate(1, 0))![0], energies.Of(Gate(1, 1))![0]));
    }

    private static Gen<MeasuredColumns> Measured =>
        from energies in Gen.ArrayOf(Gen.Choose(0, 1000).Select(energy => energy / 8f), 3)
        from tokens in Gen.Choose(1, 100)
        select new MeasuredColumns([.. energies, 1], tokens); // the last one lest all be 0

    [Fact]
    public void Of_AnyExperts_LieBetweenTheirOwnAndTheCommonMean() =>
        Prop.ForAll(Gen.ArrayOf(Measured, 5).ToArbitrary(), experts =>
        {
            var energies = Create([.. experts.Select((expert, i) => (Gate(1, i), expert.MeanSquares, expert.Tokens))]);
            var common = energies.Of(Gate(1, 99))!;

            for (var i = 0; i < experts.Length; i++)
            {
                var (own, drawn) = (experts[i].MeanSquares, energies.Of(Gate(1, i))!);
                for (var column = 0; column < own.Length; column++)
                    Assert.InRange(drawn[column], Math.Min(own[column], common[column]) * (1 - Rounding), Math.Max(own[column], common[column]) * (1 + Rounding));
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Of_ResultOfAnyMatrix_IsTakenByTheQuantizer()
    {
        var energies = Create((Gate(1, 0), [.. Enumerable.Range(0, 64).Select(i => i % 3 == 0 ? 0f : 1e-20f * i)], long.MaxValue));
        var weights = Enumerable.Range(0, 128).Select(i => MathF.Sin(i)).ToArray();

        var quantized = Nf4Quantizer.Quantize(weights, [2, 64], new Nf4Options { ColumnImportance = energies.Of(Gate(1, 7)) });

        Assert.Equal(128, quantized.ElementCount);
    }

    [Theory]
    [InlineData("model.layers.3.mlp.experts.7.gate_proj.weight", "model.layers.3.mlp.experts..gate_proj.weight")]
    [InlineData("model.layers.3.mlp.experts.255.down_proj.weight", "model.layers.3.mlp.experts..down_proj.weight")]
    [InlineData("model.layers.3.mlp.shared_experts.gate_proj.weight", null)]
    [InlineData("model.layers.3.mlp.experts.gate_proj.weight", null)]
    [InlineData("model.layers.3.mlp.experts.7", null)]
    [InlineData("model.layers.3.mlp.experts.", null)]
    [InlineData("lm_head.weight", null)]
    [InlineData("", null)]
    public void ExpertsOf_Names_AreThoseOfRoutedExperts(string name, string? expected) => Assert.Equal(expected, ColumnEnergies.ExpertsOf(name));

    internal static ColumnEnergies Create(params (string Name, float[] MeanSquares, long Tokens)[] matrices) =>
        new(matrices.Select(matrix => KeyValuePair.Create(matrix.Name, new MeasuredColumns(matrix.MeanSquares, matrix.Tokens))));

    private static string Gate(int layer, int expert) => TensorNames.Expert(layer, expert, "gate_proj");

    private static void AssertClose(double[] expected, float[]? actual)
    {
        Assert.Equal(expected.Length, actual?.Length);
        Assert.All(expected.Zip(actual!), pair => Assert.Equal(pair.First, pair.Second, Rounding * Math.Max(1, pair.First)));
    }
}
