using Deepseek.Inference.Offload;
using Deepseek.Inference.Offload.Eviction;

namespace Deepseek.Inference.Tests.Offload.Eviction;

public sealed class LeastStalePolicyTests
{
    private const int Layers = 3;
    private const int PerLayer = 4;

    [Fact]
    public void Rank_EqualDemands_TheLayerThatWasJustVisitedLeavesFirst()
    {
        var policy = new LeastStalePolicy(Layers, PerLayer);
        for (var pass = 0; pass < 50; pass++)
            policy.Use(0, 4, 8);

        Assert.Equal([8, 4, 0], policy.InOrder(0, 4, 8)); // layer 0 comes next
        policy.Use(0);
        Assert.Equal([0, 8, 4], policy.InOrder(0, 4, 8));
    }

    [Fact]
    public void Rank_SeldomUsedExpertOfTheNextLayer_IsBelowAnOftenUsedOneOfThisLayer()
    {
        var policy = new LeastStalePolicy(Layers, PerLayer);
        policy.Use(1);
        for (var pass = 0; pass < 50; pass++)
            policy.Use(0, 4, 8);

        Assert.Equal(1, policy.InOrder(0, 1, 4, 8)[0]);
    }

    [Fact]
    public void Rank_ExpertsThatStay_TheLastVisitsAreWorthMore()
    {
        var policy = new LeastStalePolicy(Layers, PerLayer);
        for (var pass = 0; pass < 400; pass++) // experts change every tenth pass, and all are used alike
        {
            var expert = pass / 10 % PerLayer;
            policy.Use(expert, PerLayer + expert, (2 * PerLayer) + expert);
        }

        var last = 399 / 10 % PerLayer;
        Assert.Equal(last, policy.InOrder(0, 1, 2, 3)[^1]);
    }

    [Fact]
    public void Rank_Cold_IsBelowAllThatIsWarm()
    {
        var policy = new LeastStalePolicy(Layers, PerLayer);
        policy.Use(0);
        policy.Inserted(1, cold: true);
        policy.Inserted(2, cold: true);
        policy.Inserted(3, cold: false);

        Assert.Equal([1, 2, 3, 0], policy.InOrder(0, 1, 2, 3));
        policy.Demanded(1);
        Assert.Equal(2, policy.InOrder(0, 1, 2, 3)[0]);
    }

    [Fact]
    public void Rank_RecordedUsage_CountsFromTheStart()
    {
        var usage = new ExpertUsage(1, PerLayer, passes: 10, [0, 5, 3, 0]);

        var policy = new LeastStalePolicy(1, PerLayer, usage);

        Assert.Equal([0, 2, 1], policy.InOrder(0, 1, 2));
    }

    [Fact]
    public void Rank_ManyPassesWithoutADemand_StaysInTheWarmRange()
    {
        var policy = new LeastStalePolicy(Layers, PerLayer);
        policy.Use(3);

        for (var pass = 0; pass < 2000; pass++)
            policy.Use(0, 4, 8);

        Assert.InRange(policy.Rank(3, 0), EvictionRank.Warm, EvictionRank.Class);
        Assert.Equal(3, policy.InOrder(0, 3, 4, 8)[0]);
    }
}
