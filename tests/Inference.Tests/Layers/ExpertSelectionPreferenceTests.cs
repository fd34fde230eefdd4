using Deepseek.Inference.Configuration;
using Deepseek.Inference.Layers;

namespace Deepseek.Inference.Tests.Layers;

/// <summary>Choosing that leans towards experts in memory, on hand-made scores.</summary>
public sealed class ExpertSelectionPreferenceTests
{
    // Six experts, two chosen, scored by soft-max without groups.
    private static readonly ExpertConfig Config = KnownModels.ByName("v2-lite").Experts! with { RoutedCount = 6, ChosenCount = 2 };
    private static readonly float[] Logits = [2f, 1f, 0.9f, -1f, -2f, -3f];

    [Fact]
    public void Choose_NothingPresent_IsExact() => Assert.Equal([0, 1], Choose([false, false, false, false, false, false], 0.5));

    [Fact]
    public void Choose_SlightPreference_TakesANearlyEqualExpertInMemory() => Assert.Equal([0, 2], Choose([false, false, true, false, true, true], 0.05));

    [Fact]
    public void Choose_SlightPreference_DoesNotTakeAPoorOne() => Assert.Equal([0, 1], Choose([false, false, false, false, true, true], 0.05));

    [Fact]
    public void Choose_FullPreference_StillTakesTheBest() => Assert.Equal([0, 4], Choose([false, false, false, false, true, true], 1));

    [Fact]
    public void Choose_Preference_DoesNotChangeWhatAnExpertCounts()
    {
        var (exact, leaning) = (new float[2], new float[2]);
        new ExpertSelection(Config, null).Choose(Logits, new int[2], exact);

        new ExpertSelection(Config, null).Choose(Logits, new int[2], leaning, [true, true, false, false, false, false], 0.5);

        Assert.Equal(exact, leaning);
    }

    [Fact]
    public void Choose_GroupThatWasDropped_StaysDropped()
    {
        var config = KnownModels.R1.Experts! with { RoutedCount = 4, ChosenCount = 1, GroupCount = 2, KeptGroups = 1 };
        var experts = new int[1];

        new ExpertSelection(config, new float[4]).Choose([3f, 2f, -1f, -1f], experts, new float[1], [false, false, true, true], 1);

        Assert.Equal([0], experts);
    }

    private static int[] Choose(bool[] present, double preference)
    {
        var experts = new int[2];
        new ExpertSelection(Config, null).Choose(Logits, experts, new float[2], present, preference);
        return experts;
    }
}
