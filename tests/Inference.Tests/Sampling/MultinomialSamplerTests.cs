using Deepseek.Inference.Sampling;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class MultinomialSamplerTests
{
    /// <summary>The 99.9th percentile of χ² with three degrees of freedom.</summary>
    private const double ChiSquareLimit = 16.27;

    [Fact]
    public void Sample_ManySteps_FollowsTheProbabilities()
    {
        // Probabilities 0.1, 0.4, 0, 0.3, 0.2.
        float[] row = [MathF.Log(1), MathF.Log(4), Rows.Removed, MathF.Log(3), MathF.Log(2)];
        const int Draws = 100_000;
        var counts = new int[row.Length];

        for (var step = 0; step < Draws; step++)
            counts[Draw(row, seed: 20250120, step)]++;

        var expected = Rows.Probabilities(row);
        var chiSquare = new[] { 0, 1, 3, 4 }.Sum(id => Math.Pow(counts[id] - (expected[id] * Draws), 2) / (expected[id] * Draws));
        Assert.True(chiSquare < ChiSquareLimit, FormattableString.Invariant($"χ² is {chiSquare}, the counts are {string.Join(", ", counts)}."));
        Assert.Equal(0, counts[2]);
    }

    [Fact]
    public void Sample_AnyRow_NeverDrawsARemovedToken() =>
        Rows.ForAll(Rows.Any, Gen.Choose(int.MinValue, int.MaxValue), (row, seed) =>
        {
            for (var step = 0; step < 20; step++)
                Assert.NotEqual(Rows.Removed, row[Draw(row, seed, step)]);
        });

    [Fact]
    public void Sample_AnyRow_DependsOnSeedAndStepAlone() =>
        Rows.ForAll(Rows.Any, Gen.Choose(int.MinValue, int.MaxValue), (row, seed) =>
        {
            var forwards = Enumerable.Range(0, 10).Select(step => Draw(row, seed, step)).ToArray();
            var backwards = Enumerable.Range(0, 10).Reverse().Select(step => Draw(row, seed, step)).Reverse();

            Assert.Equal(forwards, backwards);
        });

    [Theory]
    [InlineData(0.0, 1)]
    [InlineData(0.49, 1)]
    [InlineData(0.5, 3)]
    [InlineData(0.74, 3)]
    [InlineData(0.75, 4)]
    [InlineData(1.5, 4)] // rounding may leave the sum short of the target: the last token with weight
    public void Invert_HandWorkedWeights_TakesIdsInOrder(double target, int expected) =>
        Assert.Equal(expected, MultinomialSampler.Invert([0, 0.5, 0, 0.25, 0.25, 0], target));

    // Computed by the same formulas in Python: a seed gives the same tokens in every later version and on every machine.
    [Fact]
    public void Sample_FixedSeed_DrawsTheRecordedTokens()
    {
        var row = new float[1000];
        for (var id = 0; id < row.Length; id++)
            row[id] = id * 7919 % 1000 / 64f; // exact in single precision

        var drawn = Enumerable.Range(0, 8).Select(step => Draw(row, seed: 42, step));

        Assert.Equal([335, 988, 1, 210, 569, 75, 791, 1], drawn);
    }

    private static int Draw(float[] row, long seed, int step)
    {
        var random = new SamplingRandom(seed, step);
        return new MultinomialSampler().Sample(row, ref random);
    }
}
