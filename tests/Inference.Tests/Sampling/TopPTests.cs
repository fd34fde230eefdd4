using Deepseek.Inference.Sampling;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class TopPTests
{
    /// <summary>Double-precision sums of at most 129,280 probabilities in two different orders.</summary>
    private const double SumTolerance = 1e-12;

    // Probabilities 0.1, 0.4, 0.3, 0.2.
    private static readonly float[] Tenths = [MathF.Log(1), MathF.Log(4), MathF.Log(3), MathF.Log(2)];

    [Theory]
    [InlineData(0.0, new[] { 1 })]
    [InlineData(0.39, new[] { 1 })]
    [InlineData(0.41, new[] { 1, 2 })]
    [InlineData(0.69, new[] { 1, 2 })]
    [InlineData(0.71, new[] { 1, 2, 3 })]
    [InlineData(0.95, new[] { 0, 1, 2, 3 })]
    [InlineData(1.0, new[] { 0, 1, 2, 3 })]
    public void Process_HandWorkedRow_KeepsTheSmallestPrefix(double share, int[] expected) =>
        Assert.Equal(expected, Rows.Kept(Rows.Apply(new TopP(share), Tenths)));

    [Fact]
    public void Process_Ties_KeepsTheLowerIds() => Assert.Equal([0, 1], Rows.Kept(Rows.Apply(new TopP(0.4), [7f, 7f, 7f, 7f])));

    [Fact]
    public void Process_KeptTokens_KeepTheirLogits() =>
        Assert.Equal([Rows.Removed, Tenths[1], Tenths[2], Rows.Removed], Rows.Apply(new TopP(0.5), Tenths));

    [Fact]
    public void Process_AnyRow_KeepsTheSmallestPrefixOfTheRanking() =>
        Rows.ForAll(Rows.Any, Gen.Choose(0, 999).Select(thousandth => thousandth / 1000.0), AssertSmallestPrefix);

    [Theory]
    [InlineData(0.5, 3.0)]
    [InlineData(0.95, 3.0)]
    [InlineData(0.95, 0.1)] // nearly flat: more than 100,000 tokens stay
    [InlineData(0.999999, 3.0)]
    [InlineData(0.9999999999999999, 3.0)]
    public void Process_LargeVocabulary_KeepsTheSmallestPrefixOfTheRanking(double share, double deviation) =>
        AssertSmallestPrefix(Rows.Normal(Rows.LargeVocabulary, seed: 5, deviation), share);

    [Fact]
    public void Constructor_OutOfRange_NamesValueRangeAndReason()
    {
        foreach (var value in (double[])[-0.1, 1.1, double.NaN])
        {
            var fault = Assert.Throws<ArgumentOutOfRangeException>(() => new TopP(value));

            Assert.StartsWith(FormattableString.Invariant($"share is {value}; it must be 0 to 1, since it is a share of the probability; 1 turns it off. (Parameter 'share')"), fault.Message, StringComparison.Ordinal);
        }
    }

    private static void AssertSmallestPrefix(float[] row, double share)
    {
        var kept = Rows.Kept(Rows.Apply(new TopP(share), row));

        var probabilities = Rows.Probabilities(row);
        var ranked = Rows.Ranked(row);
        var prefix = ranked.Take(kept.Length).ToArray();
        Assert.Equal(prefix.Order(), kept);
        Assert.True(prefix.Sum(id => probabilities[id]) >= share - SumTolerance);
        Assert.True(kept.Length == 1 || prefix.SkipLast(1).Sum(id => probabilities[id]) < share + SumTolerance);
    }
}
