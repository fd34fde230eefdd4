using Deepseek.Inference.Offload;
using Deepseek.Inference.Offload.Eviction;

namespace Deepseek.Inference.Tests.Offload.Eviction;

public sealed class FrequencyPolicyTests
{
    private const int PerLayer = 8;
    private static readonly int HalfLifePasses = HalfLife.For(PerLayer).Passes;

    [Fact]
    public void Rank_DemandedMoreOften_IsAboveWhatCameLater()
    {
        var policy = new FrequencyPolicy(PerLayer, PerLayer);
        policy.Use(0, 0, 1);

        Assert.Equal([1, 0], policy.InOrder(0, 1));
    }

    [Fact]
    public void Rank_OfCount_SurvivesLeavingMemory()
    {
        var policy = new FrequencyPolicy(PerLayer, PerLayer);
        policy.Use(0, 0, 1);
        policy.Removed(0);

        policy.Use(0);

        Assert.Equal([1, 0], policy.InOrder(0, 1));
    }

    [Theory]
    [InlineData(1.9, 0)] // four demands are still worth more than one
    [InlineData(2.1, 1)] // they have faded to less than one
    public void Rank_AfterHalfLives_CountsHalfForEach(double halfLives, int lowest)
    {
        var policy = new FrequencyPolicy(2 * PerLayer, PerLayer);
        policy.Use(0, 0, 0, 0);
        Pass(policy, (int)(halfLives * HalfLifePasses));

        policy.Use(1);

        Assert.Equal(lowest == 0 ? 1 : 0, policy.InOrder(0, 1)[0]);
    }

    [Fact]
    public void Rank_Cold_IsBelowAllThatIsWarmWhateverItsCount()
    {
        var policy = new FrequencyPolicy(PerLayer, PerLayer);
        policy.Use(0, 0, 0, 1);
        policy.Removed(0);
        policy.Inserted(0, cold: true);
        policy.Inserted(2, cold: false); // warm without a demand

        Assert.Equal([0, 2, 1], policy.InOrder(0, 1, 2));
        policy.Demanded(0);
        Assert.Equal([2, 1, 0], policy.InOrder(0, 1, 2));
    }

    [Fact]
    public void Rank_RecordedUsage_CountsFromTheStart()
    {
        var usage = new ExpertUsage(1, PerLayer, passes: 10, [0, 5, 3, 0, 0, 0, 0, 0]);

        var policy = new FrequencyPolicy(PerLayer, PerLayer, usage);

        Assert.Equal([0, 2, 1], policy.InOrder(0, 1, 2));
    }

    [Fact]
    public void Rank_VeryOldUsage_IsOverturnedInAFewHalfLives()
    {
        var policy = new FrequencyPolicy(2 * PerLayer, PerLayer, new ExpertUsage(2, PerLayer, passes: 1e6, [1e6f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));

        for (var i = 0; i < 3 * HalfLifePasses; i++)
            policy.Use(1, PerLayer);

        Assert.Equal([0, 1], policy.InOrder(0, 1));
    }

    /// <summary>Demands of another expert in two layers, so that passes go by.</summary>
    private static void Pass(FrequencyPolicy policy, int passes)
    {
        for (var i = 0; i < passes; i++)
            policy.Use(7, PerLayer + 7);
        policy.Demanded(7);
    }
}
