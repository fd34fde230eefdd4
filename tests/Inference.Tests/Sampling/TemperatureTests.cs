using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class TemperatureTests
{
    /// <summary>What is asked of every strategy against the double-precision definition.</summary>
    private const double Tolerance = 1e-5;

    [Fact]
    public void Process_HandWorkedRow_DividesDistancesToTheBest() =>
        Assert.Equal([-4f, 0f, -2f, Rows.Removed], Rows.Apply(new Temperature(0.5), [1f, 3f, 2f, Rows.Removed]));

    [Fact]
    public void Process_One_LeavesTheRow() => Assert.Equal([1f, 3f, 2f], Rows.Apply(new Temperature(1), [1f, 3f, 2f]));

    [Fact]
    public void Process_LargeLogits_KeepsTheProbabilitiesOfTheDefinition()
    {
        float[] row = [59.97f, 60f, 59.991f, -60f];

        var actual = Rows.Probabilities(Rows.Apply(new Temperature(0.1), row));

        var weights = Array.ConvertAll(row, logit => Math.Exp(((double)logit - 60) / 0.1));
        for (var id = 0; id < row.Length; id++)
            Assert.Equal(weights[id] / weights.Sum(), actual[id], Tolerance);
    }

    [Fact]
    public void Process_TinyTemperature_LeavesTheBestTokens() =>
        Assert.Equal([1, 2], Rows.Kept(Rows.Apply(new Temperature(double.Epsilon), [1f, 3f, 3f, 2.99f])));

    [Fact]
    public void Process_HugeTemperature_MakesTokensEquallyLikely() =>
        Assert.Equal([0f, 0f, Rows.Removed], Rows.Apply(new Temperature(double.MaxValue), [-1f, 2f, Rows.Removed]));

    [Fact]
    public void Process_AnyRow_KeepsOrderAndTies() => Rows.ForAll(Rows.Tied, row =>
    {
        var actual = Rows.Apply(new Temperature(0.7), row);

        Assert.Equal(Rows.Ranked(row), Rows.Ranked(actual));
        Assert.Equal(0, actual.Max());
    });

    [Fact]
    public void Constructor_OutOfRange_NamesValueRangeAndReason()
    {
        foreach (var value in (double[])[0, -1, double.NaN, double.PositiveInfinity])
        {
            var fault = Assert.Throws<ArgumentOutOfRangeException>(() => new Temperature(value));

            Assert.StartsWith(FormattableString.Invariant($"value is {value}; it must be more than 0 and finite, since logits are divided by it; always taking the best token is GreedySampler. (Parameter 'value')"), fault.Message, StringComparison.Ordinal);
        }
    }
}
