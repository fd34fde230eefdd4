using Deepseek.Inference.Sampling;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class TopKTests
{
    [Fact]
    public void Process_HandWorkedRow_KeepsTheBestUnchanged() =>
        Assert.Equal([Rows.Removed, 3f, 2f, Rows.Removed], Rows.Apply(new TopK(2), [1f, 3f, 2f, -1f]));

    [Fact]
    public void Process_TiesAtTheLimit_KeepsTheLowerIds() =>
        Assert.Equal([0, 1, 3], Rows.Kept(Rows.Apply(new TopK(3), [2f, 5f, -0f, 2f, 2f])));

    [Fact]
    public void Process_SignedZeros_AreTies() => Assert.Equal([0], Rows.Kept(Rows.Apply(new TopK(1), [-0f, 0f, -1f])));

    [Fact]
    public void Process_FewerLeftThanK_KeepsThem() =>
        Assert.Equal([1, 2], Rows.Kept(Rows.Apply(new TopK(3), [Rows.Removed, 1f, 2f, Rows.Removed])));

    [Fact]
    public void Process_AnyRow_KeepsExactlyTheFirstOfTheRanking() =>
        Rows.ForAll(Rows.Any, Gen.Choose(1, 210), (row, count) =>
        {
            var kept = Rows.Kept(Rows.Apply(new TopK(count), row));

            Assert.Equal(Rows.Ranked(row).Take(count).Order(), kept);
        });

    [Theory]
    [InlineData(1)]
    [InlineData(50)]
    [InlineData(100_000)]
    public void Process_LargeVocabulary_KeepsTheFirstOfTheRanking(int count)
    {
        var row = Rows.Normal(Rows.LargeVocabulary, seed: 3, deviation: 3);

        var kept = Rows.Kept(Rows.Apply(new TopK(count), row));

        Assert.Equal(Rows.Ranked(row).Take(count).Order(), kept);
    }

    [Fact]
    public void Constructor_OutOfRange_NamesValueRangeAndReason()
    {
        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => new TopK(0));

        Assert.StartsWith("count is 0; it must be 1 or more, since it counts the tokens to keep. (Parameter 'count')", fault.Message, StringComparison.Ordinal);
    }
}
