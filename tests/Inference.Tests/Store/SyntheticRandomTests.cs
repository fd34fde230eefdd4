using Deepseek.Inference.Store;

namespace Deepseek.Inference.Tests.Store;

public sealed class SyntheticRandomTests
{
    private const int Count = 200_000;

    // Four standard errors of the mean of as many values.
    private const double MeanTolerance = 4 / 447.0;

    [Fact]
    public void NextNormal_ManyValues_HasTheDistribution()
    {
        var random = new SyntheticRandom(3, "test");
        var values = Enumerable.Range(0, Count).Select(_ => (double)random.NextNormal()).ToArray();

        Assert.InRange(values.Average(), -MeanTolerance, MeanTolerance);
        Assert.InRange(values.Average(value => value * value), 0.985, 1.015);
        Assert.InRange(values.Average(value => Math.Pow(value, 4)), 2.9, 3.05); // 3 for a normal distribution; 64 tosses miss 2/64 of it
        Assert.InRange(values.Count(value => value > 1) / (double)Count, 0.1587 - 0.004, 0.1587 + 0.004);
        Assert.InRange(values.Count(value => value < -2) / (double)Count, 0.0228 - 0.002, 0.0228 + 0.002);
        Assert.True(values.Distinct().Count() > 0.9 * Count);
    }

    [Fact]
    public void NextNormal_SameSeedAndName_GivesTheSameBitsEverywhere()
    {
        var random = new SyntheticRandom(3, "test");

        // Written down once: other values would make other stores of the same seed.
        Assert.Equal([1060330642, 1057516016, -1108794015], Enumerable.Range(0, 3).Select(_ => BitConverter.SingleToInt32Bits(random.NextNormal())));
    }

    [Fact]
    public void Next_OtherSeedOrName_GivesOtherNumbers()
    {
        var first = new SyntheticRandom(3, "test");
        var otherSeed = new SyntheticRandom(4, "test");
        var otherName = new SyntheticRandom(3, "text");

        Assert.Equal(3, new HashSet<ulong> { first.Next(), otherSeed.Next(), otherName.Next() }.Count);
    }

    [Fact]
    public void Below_AnyBound_ReachesEveryNumberBelow()
    {
        var random = new SyntheticRandom(5, "test");

        var seen = Enumerable.Range(0, 1000).Select(_ => random.Below(7)).ToHashSet();

        Assert.Equal([0, 1, 2, 3, 4, 5, 6], seen.Order());
    }

    [Fact]
    public void FillNormal_Deviation_Scales()
    {
        var (one, two) = (new float[16], new float[16]);

        new SyntheticRandom(6, "test").FillNormal(one, 1);
        new SyntheticRandom(6, "test").FillNormal(two, 2);

        Assert.Equal(one.Select(value => 2 * value), two);
    }
}
