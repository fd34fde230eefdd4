using Deepseek.Inference.Sampling;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class TypicalTests
{
    /// <summary>Double-precision sums in two different orders.</summary>
    private const double SumTolerance = 1e-12;

    /// <summary>Distances are ranked in single precision: about 2⁻²⁴ of a distance up to 100.</summary>
    private const double DistanceTolerance = 1e-5;

    // Probabilities 1/8, 1/2, 1/4, 1/8: surprises of 3, 1, 2 and 3 bits, an entropy of 1.75 bits,
    // and so distances of 1.25, 0.75, 0.25 and 1.25 bits: token 2 first, then 1, then 0, then 3.
    private static readonly float[] Halves = [MathF.Log(1), MathF.Log(4), MathF.Log(2), MathF.Log(1)];

    [Theory]
    [InlineData(0.1, new[] { 2 })]
    [InlineData(0.24, new[] { 2 })]
    [InlineData(0.26, new[] { 1, 2 })]
    [InlineData(0.74, new[] { 1, 2 })]
    [InlineData(0.76, new[] { 0, 1, 2 })] // 0 and 3 are equally far: the lower id
    [InlineData(0.9, new[] { 0, 1, 2, 3 })]
    [InlineData(1.0, new[] { 0, 1, 2, 3 })]
    public void Process_HandWorkedRow_KeepsTheNearestToTheEntropy(double mass, int[] expected) =>
        Assert.Equal(expected, Rows.Kept(Rows.Apply(new Typical(mass), Halves)));

    [Fact]
    public void Process_AnyRow_KeepsASmallestSetOfNearestTokens() =>
        Rows.ForAll(Rows.Any, Gen.Choose(1, 999).Select(thousandth => thousandth / 1000.0), (row, mass) =>
        {
            var kept = Rows.Kept(Rows.Apply(new Typical(mass), row));

            var probabilities = Rows.Probabilities(row);
            var entropy = -probabilities.Where(p => p > 0).Sum(p => p * Math.Log(p));
            var distances = Array.ConvertAll(probabilities, p => p > 0 ? Math.Abs(-Math.Log(p) - entropy) : double.PositiveInfinity);
            var farthest = kept.MaxBy(id => (distances[id], probabilities[id] == 0 ? 0 : id));
            var left = Rows.Kept(row).Except(kept).ToArray();
            Assert.True(left.Length == 0 || left.Min(id => distances[id]) >= distances[farthest] - DistanceTolerance);
            Assert.True(kept.Sum(id => probabilities[id]) >= mass - SumTolerance);
            Assert.True(kept.Length == 1 || kept.Sum(id => probabilities[id]) - kept.Where(id => distances[id] >= distances[farthest] - DistanceTolerance).Max(id => probabilities[id]) < mass + SumTolerance);
        });

    [Fact]
    public void Process_LargeVocabulary_ReachesTheMass()
    {
        var row = Rows.Normal(Rows.LargeVocabulary, seed: 5, deviation: 3);

        var kept = Rows.Kept(Rows.Apply(new Typical(0.9), row));

        var probabilities = Rows.Probabilities(row);
        Assert.InRange(kept.Sum(id => probabilities[id]), 0.9 - SumTolerance, 0.9 + probabilities.Max());
    }

    [Fact]
    public void Constructor_OutOfRange_NamesValueRangeAndReason()
    {
        foreach (var value in (double[])[0, -0.1, 1.1, double.NaN])
        {
            var fault = Assert.Throws<ArgumentOutOfRangeException>(() => new Typical(value));

            Assert.StartsWith(FormattableString.Invariant($"mass is {value}; it must be more than 0 and at most 1, since it is a share of the probability; 1 turns it off. (Parameter 'mass')"), fault.Message, StringComparison.Ordinal);
        }
    }
}
