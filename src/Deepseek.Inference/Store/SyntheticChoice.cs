using Deepseek.Inference.Configuration;

namespace Deepseek.Inference.Store;

/// <summary>Chooses experts as a model's router does, for simulations: a store is made without a model.</summary>
internal static class SyntheticChoice
{
    /// <summary>Chooses a token's experts.</summary>
    /// <param name="experts">The mixture.</param>
    /// <param name="ranks">What experts are ranked by, [E]; those of dropped groups become −∞.</param>
    /// <param name="chosen">Receives K experts, the best first.</param>
    public static void Choose(ExpertConfig experts, Span<float> ranks, Span<int> chosen)
    {
        if (experts.GroupCount > 1 && experts.Method != RoutingMethod.SoftmaxGreedy)
            DropGroups(experts, ranks);
        TakeBest(ranks, chosen);
    }

    /// <summary>A group counts by its two best experts (V3), or by its best (V2).</summary>
    private static void DropGroups(ExpertConfig experts, Span<float> ranks)
    {
        var size = experts.RoutedCount / experts.GroupCount;
        Span<float> groups = stackalloc float[256];
        groups = experts.GroupCount <= groups.Length ? groups[..experts.GroupCount] : new float[experts.GroupCount];
        for (var group = 0; group < groups.Length; group++)
        {
            var (first, second) = (float.NegativeInfinity, float.NegativeInfinity);
            foreach (var rank in ranks.Slice(group * size, size))
            {
                if (rank > first)
                    (first, second) = (rank, first);
                else if (rank > second)
                    second = rank;
            }

            groups[group] = experts.Method == RoutingMethod.SigmoidNoAuxiliaryLoss ? first + second : first;
        }

        Span<int> kept = stackalloc int[256];
        kept = experts.KeptGroups <= kept.Length ? kept[..experts.KeptGroups] : new int[experts.KeptGroups];
        TakeBest(groups, kept);
        for (var group = 0; group < groups.Length; group++)
        {
            if (!kept.Contains(group))
                ranks.Slice(group * size, size).Fill(float.NegativeInfinity);
        }
    }

    /// <summary>The places of the highest values, the highest first; of equal ones the lower place.</summary>
    private static void TakeBest(ReadOnlySpan<float> values, Span<int> best)
    {
        var count = 0;
        for (var i = 0; i < values.Length; i++)
        {
            if (count == best.Length && values[i] <= values[best[^1]])
                continue;
            var place = count < best.Length ? count++ : count - 1;
            for (; place > 0 && values[i] > values[best[place - 1]]; place--)
                best[place] = best[place - 1];
            best[place] = i;
        }
    }
}
