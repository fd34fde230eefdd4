using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class GreedySamplerTests
{
    [Theory]
    [InlineData(new[] { 1f, 3f, 2f }, 1)]
    [InlineData(new[] { 3f, 3f, 3f }, 0)]
    [InlineData(new[] { -1f, -0f, 0f }, 1)]
    [InlineData(new[] { Rows.Removed, -9f, Rows.Removed }, 1)]
    public void Sample_HandWorkedRows_TakesTheBestAndOfEqualOnesTheLowest(float[] row, int expected)
    {
        var random = new SamplingRandom(1, 0);

        Assert.Equal(expected, new GreedySampler().Sample(row, ref random));
    }

    [Fact]
    public void Sample_AnyRow_TakesTheFirstOfTheRanking() => Rows.ForAll(Rows.Any, row =>
    {
        var random = new SamplingRandom(1, 0);

        Assert.Equal(Rows.Ranked(row)[0], new GreedySampler().Sample(row, ref random));
    });

    [Fact]
    public void Probabilities_Row_IsOneForTheBest()
    {
        float[] destination = [9f, 9f, 9f];

        new GreedySampler().Probabilities([1f, 3f, 3f], destination);

        Assert.Equal([0f, 1f, 0f], destination);
    }
}
