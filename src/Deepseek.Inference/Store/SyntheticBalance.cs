using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Store;

/// <summary>How an expert is preferred to others.</summary>
internal enum SyntheticPreference
{
    /// <summary>Something is added to the sigmoid of its logit.</summary>
    AddedToSigmoid,

    /// <summary>Something is added to its logit.</summary>
    AddedToLogit,

    /// <summary>Its row is made longer, by a factor whose logarithm is the preference.</summary>
    LongerRow,
}

/// <summary>Finds by how much each expert of a layer must be preferred, so that experts are chosen as often as they are to be.</summary>
/// <remarks>
/// A layer's choice is simulated. Preferences are raised and lowered by what the simulated frequencies lack, and averaged over the second half of the rounds, when they only waver.
/// Logarithms and powers come from the system's mathematics: preferences may differ in their last bits from one system to another.
/// </remarks>
internal static class SyntheticBalance
{
    private const int Rounds = 64;
    private const int MostTokens = 4096; // a round
    private const int FewestTokens = 256;
    private const int LogitsPerRound = 1 << 21;

    // A token chooses an expert once at most: a law that asks for more is flattened at its head.
    private const double MostOften = 0.97;

    /// <summary>How often each expert is to be chosen by a token, [E]; the sum is K.</summary>
    /// <param name="experts">The mixture.</param>
    /// <param name="skew">The exponent of a Zipf law: frequencies fall with the rank's power of it.</param>
    /// <param name="random">Shuffles the ranks.</param>
    public static double[] Frequencies(ExpertConfig experts, double skew, ref SyntheticRandom random)
    {
        var weights = Enumerable.Range(1, experts.RoutedCount).Select(rank => Math.Pow(rank, -skew)).ToArray();
        var most = Math.Max(MostOften, (double)experts.ChosenCount / experts.RoutedCount);
        var (flat, rest) = (0, weights.Sum());
        while (flat < experts.ChosenCount && weights[flat] / rest * (experts.ChosenCount - (flat * most)) > most)
            rest -= weights[flat++];

        var scale = (experts.ChosenCount - (flat * most)) / rest;
        double[] frequencies = [.. weights.Select((weight, rank) => rank < flat ? most : scale * weight)];
        for (var i = frequencies.Length - 1; i > 0; i--)
        {
            var other = random.Below(i + 1);
            (frequencies[i], frequencies[other]) = (frequencies[other], frequencies[i]);
        }

        return frequencies;
    }

    /// <summary>Finds the preferences, [E]; their mean is 0.</summary>
    /// <param name="experts">The mixture.</param>
    /// <param name="frequencies">How often each expert is to be chosen by a token, [E].</param>
    /// <param name="kind">What a preference is.</param>
    /// <param name="logits">Gives a token's logits, [E]; called for any number of tokens, from 0.</param>
    public static float[] Preferences(ExpertConfig experts, double[] frequencies, SyntheticPreference kind, Action<int, float[]> logits)
    {
        if (experts.ChosenCount == experts.RoutedCount)
            return new float[experts.RoutedCount]; // there is nothing to choose

        // About what changes a frequency by half of itself; sigmoids of normal logits spread by 0.2.
        var step = kind switch { SyntheticPreference.AddedToSigmoid => 0.08, SyntheticPreference.AddedToLogit => 0.4, _ => 0.2 };
        var tokens = Math.Clamp(LogitsPerRound / experts.RoutedCount, FewestTokens, MostTokens);
        var (preferences, mean) = (new double[frequencies.Length], new double[frequencies.Length]);
        for (var round = 0; round < Rounds; round++)
        {
            var counts = Count(experts, preferences, kind, round * tokens, tokens, logits);
            for (var expert = 0; expert < counts.Length; expert++)
            {
                var observed = (counts[expert] + frequencies[expert]) / (tokens + 1);
                preferences[expert] += step * (LogOdds(frequencies[expert]) - LogOdds(observed));
                if (round >= Rounds / 2)
                    mean[expert] += preferences[expert];
            }
        }

        var middle = mean.Average();
        return [.. mean.Select(sum => (float)((sum - middle) / (Rounds / 2)))];
    }

    private static double LogOdds(double frequency) => Math.Log(frequency / (1 - frequency));

    private static int[] Count(ExpertConfig experts, double[] preferences, SyntheticPreference kind, int first, int tokens, Action<int, float[]> logits)
    {
        var counts = new int[preferences.Length];
        var ranks = new float[preferences.Length];
        var factors = Array.ConvertAll(preferences, preference => (float)Math.Exp(preference));
        Span<int> chosen = new int[experts.ChosenCount];
        for (var token = first; token < first + tokens; token++)
        {
            logits(token, ranks);
            for (var expert = 0; expert < ranks.Length; expert++)
            {
                ranks[expert] = kind switch
                {
                    SyntheticPreference.AddedToSigmoid => (1 / (1 + MathF.Exp(-ranks[expert]))) + (float)preferences[expert],
                    SyntheticPreference.AddedToLogit => ranks[expert] + (float)preferences[expert],
                    _ => ranks[expert] * factors[expert],
                };
            }

            SyntheticChoice.Choose(experts, ranks, chosen);
            foreach (var expert in chosen)
                counts[expert]++;
        }

        return counts;
    }
}
