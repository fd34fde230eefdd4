using Deepseek.Inference.Offload.Eviction;

namespace Deepseek.Inference.Tests.Offload.Eviction;

public sealed class LeastRecentlyUsedPolicyTests
{
    [Fact]
    public void Rank_DemandedAgain_IsAboveOthers()
    {
        var policy = new LeastRecentlyUsedPolicy(4);
        policy.Use(0, 1, 2);

        policy.Demanded(0);

        Assert.Equal([1, 2, 0], policy.InOrder(0, 1, 2));
    }

    [Fact]
    public void Rank_Cold_IsBelowDemandedOnesInTheOrderOfComing()
    {
        var policy = new LeastRecentlyUsedPolicy(4);
        policy.Use(3);
        policy.Inserted(1, cold: true);
        policy.Inserted(0, cold: true);

        Assert.Equal([1, 0, 3], policy.InOrder(0, 1, 3));
    }

    [Fact]
    public void Rank_ColdThatIsDemanded_IsWarm()
    {
        var policy = new LeastRecentlyUsedPolicy(4);
        policy.Inserted(1, cold: true);
        policy.Use(0);

        policy.Demanded(1);

        Assert.Equal([0, 1], policy.InOrder(0, 1));
    }

    [Fact]
    public void Rank_WarmStartWithoutDemands_FollowsTheOrderOfComing()
    {
        var policy = new LeastRecentlyUsedPolicy(4);
        policy.Inserted(2, cold: false);
        policy.Inserted(0, cold: false);

        Assert.Equal([2, 0], policy.InOrder(0, 2));
    }
}
