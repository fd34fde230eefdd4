using Deepseek.Inference.Sampling;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class MinPTests
{
    /// <summary>How far from the limit a probability must lie for two roundings to agree about it.</summary>
    private const double Margin = 1e-9;

    // Probabilities 0.1, 0.4, 0.3, 0.2: the limit is a share of 0.4.
    private static readonly float[] Tenths = [MathF.Log(1), MathF.Log(4), MathF.Log(3), MathF.Log(2)];

    [Theory]
    [InlineData(0.0, new[] { 0, 1, 2, 3 })]
    [InlineData(0.2, new[] { 0, 1, 2, 3 })]
    [InlineData(0.3, new[] { 1, 2, 3 })]
    [InlineData(0.6, new[] { 1, 2 })]
    [InlineData(1.0, new[] { 1 })]
    public void Process_HandWorkedRow_RemovesTheLessProbable(double share, int[] expected) =>
        Assert.Equal(expected, Rows.Kept(Rows.Apply(new MinP(share), Tenths)));

    [Fact]
    public void Process_One_KeepsAllThatTieWithTheBest() => Assert.Equal([0, 2], Rows.Kept(Rows.Apply(new MinP(1), [2f, 1f, 2f])));

    [Fact]
    public void Process_AnyRow_KeepsByTheRatioOfProbabilities() =>
        Rows.ForAll(Rows.Any, Gen.Choose(1, 999).Select(thousandth => thousandth / 1000.0), (row, share) =>
        {
            var actual = Rows.Apply(new MinP(share), row);

            var probabilities = Rows.Probabilities(row);
            var limit = share * probabilities.Max();
            for (var id = 0; id < row.Length; id++)
            {
                if (Math.Abs(probabilities[id] - limit) > Margin * limit)
                    Assert.Equal(probabilities[id] > limit ? row[id] : Rows.Removed, actual[id]);
            }
        });

    [Fact]
    public void Constructor_OutOfRange_NamesValueRangeAndReason()
    {
        foreach (var value in (double[])[-0.1, 1.1, double.NaN])
        {
            var fault = Assert.Throws<ArgumentOutOfRangeException>(() => new MinP(value));

            Assert.StartsWith(FormattableString.Invariant($"share is {value}; it must be 0 to 1, since it is a share of the best token's probability; 0 turns it off. (Parameter 'share')"), fault.Message, StringComparison.Ordinal);
        }
    }
}
