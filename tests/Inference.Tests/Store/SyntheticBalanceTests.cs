using Deepseek.Inference.Configuration;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Tests.Store;

public sealed class SyntheticBalanceTests
{
    private const int Tokens = 40_000;

    private static readonly ExpertConfig Grouped = new(64, 1, 8, 16, 0, 1, 8, 4, RoutingMethod.SigmoidNoAuxiliaryLoss, true, 2.5);

    private static readonly ExpertConfig Greedy = new(64, 2, 6, 16, 0, 1, 1, 1, RoutingMethod.SoftmaxGreedy, false, 1);

    [Theory]
    [InlineData(0)]
    [InlineData(0.5)]
    [InlineData(1)]
    [InlineData(2)]
    public void Frequencies_AnySkew_AreProbabilitiesOfKExperts(double skew)
    {
        var random = new SyntheticRandom(1, "test");

        var frequencies = SyntheticBalance.Frequencies(Grouped, skew, ref random);

        Assert.Equal(8, frequencies.Sum(), 9);
        Assert.All(frequencies, frequency => Assert.InRange(frequency, 1e-5, 0.97 + 1e-9));
    }

    [Fact]
    public void Frequencies_SkewThatFits_FollowTheLaw()
    {
        var random = new SyntheticRandom(1, "test");

        var frequencies = SyntheticBalance.Frequencies(Greedy, 0.5, ref random);

        Assert.NotEqual(frequencies.OrderDescending(), frequencies); // shuffled
        var ranked = frequencies.OrderDescending().ToArray();
        Assert.All(Enumerable.Range(1, 64), rank => Assert.Equal(ranked[0] * Math.Pow(rank, -0.5), ranked[rank - 1], 9));
    }

    [Fact]
    public void Frequencies_SteepSkew_IsFlatAtItsHeadAlone()
    {
        var random = new SyntheticRandom(1, "test");

        var ranked = SyntheticBalance.Frequencies(Grouped, 1, ref random).OrderDescending().ToArray();

        Assert.Equal(0.97, ranked[0], 9);
        Assert.All(Enumerable.Range(2, 63), rank => Assert.Equal(ranked[^1] * 64 / rank, ranked[rank - 1], 9));
    }

    [Theory]
    [InlineData(SyntheticPreference.AddedToSigmoid, 1.0)]
    [InlineData(SyntheticPreference.AddedToLogit, 1.0)]
    [InlineData(SyntheticPreference.LongerRow, 0.2)] // a symmetric logit is never chosen more often than every other time
    public void Preferences_AnyKind_GiveTheFrequencies(object kind, double skew)
    {
        var preference = (SyntheticPreference)kind;
        var experts = preference == SyntheticPreference.AddedToSigmoid ? Grouped : Greedy;
        var random = new SyntheticRandom(2, "test");
        var frequencies = SyntheticBalance.Frequencies(experts, skew, ref random);

        var preferences = SyntheticBalance.Preferences(experts, frequencies, preference, (_, logits) => random.FillNormal(logits, 1));

        Assert.Equal(0, preferences.Average(), 5);
        var counts = new int[64];
        var (ranks, chosen) = (new float[64], new int[experts.ChosenCount]);
        for (var token = 0; token < Tokens; token++)
        {
            random.FillNormal(ranks, 1);
            for (var expert = 0; expert < 64; expert++)
            {
                ranks[expert] = preference switch
                {
                    SyntheticPreference.AddedToSigmoid => (1 / (1 + MathF.Exp(-ranks[expert]))) + preferences[expert],
                    SyntheticPreference.AddedToLogit => ranks[expert] + preferences[expert],
                    _ => ranks[expert] * MathF.Exp(preferences[expert]),
                };
            }

            SyntheticChoice.Choose(experts, ranks, chosen);
            foreach (var expert in chosen)
                counts[expert]++;
        }

        // A share of the frequency, and four standard errors of the count.
        for (var expert = 0; expert < 64; expert++)
            Assert.InRange(counts[expert] / (double)Tokens, frequencies[expert] - Slack(frequencies[expert]), frequencies[expert] + Slack(frequencies[expert]));

        static double Slack(double frequency) => (0.06 * frequency) + (4 * Math.Sqrt(frequency / Tokens));
    }

    [Fact]
    public void Preferences_AllExpertsChosen_PreferNone()
    {
        var all = Greedy with { RoutedCount = 4, ChosenCount = 4 };
        var random = new SyntheticRandom(2, "test");

        var preferences = SyntheticBalance.Preferences(all, SyntheticBalance.Frequencies(all, 1, ref random), SyntheticPreference.AddedToLogit, (_, _) => { });

        Assert.Equal([0, 0, 0, 0], preferences);
    }
}
