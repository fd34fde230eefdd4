using Deepseek.Inference.Sampling;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class LogProbabilitiesTests
{
    /// <summary>Logits of single precision, up to 20, carry errors of 1e-6 at most; the sums are of double precision.</summary>
    private const double Tolerance = 1e-6;

    // Probabilities 0.1, 0.4, 0, 0.4, 0.1.
    private static readonly float[] Row = [MathF.Log(1), MathF.Log(4), Rows.Removed, MathF.Log(4), MathF.Log(1)];

    [Theory]
    [InlineData(0, 0.1)]
    [InlineData(1, 0.4)]
    [InlineData(2, 0.0)]
    [InlineData(3, 0.4)]
    public void LogSoftmaxAt_HandWorkedRow_IsTheLogarithm(int id, double probability) =>
        Assert.Equal(Math.Log(probability), LogProbabilities.LogSoftmaxAt(Row, id), Tolerance);

    [Fact]
    public void LogSoftmaxAt_LargeLogits_StaysFinite() =>
        Assert.Equal(-Math.Log(2), LogProbabilities.LogSoftmaxAt([3e38f, 3e38f], 1), Tolerance);

    [Fact]
    public void Top_HandWorkedRow_IsDescendingWithLowerIdsFirst()
    {
        var top = LogProbabilities.Top(Row, 3);

        Assert.Equal([1, 3, 0], top.Select(token => token.Id));
        Assert.Equal(Math.Log(0.4), top[0].LogProbability, Tolerance);
        Assert.Equal(Math.Log(0.4), top[1].LogProbability, Tolerance);
        Assert.Equal(Math.Log(0.1), top[2].LogProbability, Tolerance);
    }

    [Fact]
    public void Top_MoreThanAreLeft_ListsTheRest() => Assert.Equal([1, 3, 0, 4], LogProbabilities.Top(Row, int.MaxValue).Select(token => token.Id));

    [Fact]
    public void Top_SignedZeros_AreTies() => Assert.Equal([0, 1, 2], LogProbabilities.Top([-0f, 0f, -0f], 3).Select(token => token.Id));

    [Fact]
    public void Top_None_IsEmpty() => Assert.Empty(LogProbabilities.Top(Row, 0));

    [Fact]
    public void Top_AnyRow_IsTheRankingWithItsLogProbabilities() => Rows.ForAll(Rows.Any, Gen.Choose(0, 210), (row, count) =>
    {
        var top = LogProbabilities.Top(row, count);

        Assert.Equal(Rows.Ranked(row).Take(count), top.Select(token => token.Id));
        Assert.All(top, token => Assert.Equal(LogProbabilities.LogSoftmaxAt(row, token.Id), token.LogProbability));
        Assert.InRange(top.Sum(token => Math.Exp(token.LogProbability)), 0, 1 + Tolerance);
    });

    [Theory]
    [InlineData(-1)]
    [InlineData(5)]
    public void LogSoftmaxAt_OutsideTheRow_NamesValueAndRange(int id)
    {
        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => LogProbabilities.LogSoftmaxAt(Row, id));

        Assert.StartsWith("id must be 0 to 4, since the row has 5 logits. (Parameter 'id')", fault.Message, StringComparison.Ordinal);
        Assert.Equal(id, fault.ActualValue);
    }

    [Fact]
    public void Top_Negative_NamesValueAndRange()
    {
        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => LogProbabilities.Top(Row, -1));

        Assert.StartsWith("count must be 0 or more, since it counts tokens. (Parameter 'count')", fault.Message, StringComparison.Ordinal);
    }
}
