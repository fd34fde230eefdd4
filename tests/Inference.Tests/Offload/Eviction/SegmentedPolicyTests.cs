using Deepseek.Inference.Offload.Eviction;

namespace Deepseek.Inference.Tests.Offload.Eviction;

public sealed class SegmentedPolicyTests
{
    [Fact]
    public void Rank_DemandedTwice_IsProtectedFromWhatCameLater()
    {
        var policy = new SegmentedPolicy(8, slots: 5);
        policy.Use(0, 1);
        policy.Demanded(0);

        policy.Use(2, 3);

        Assert.Equal([1, 2, 3, 0], policy.InOrder(0, 1, 2, 3));
    }

    [Fact]
    public void Demanded_MoreThanTheProtectedShare_DemotesTheOldestToTheYoungestOnProbation()
    {
        var policy = new SegmentedPolicy(8, slots: 5); // 4 may be protected
        policy.Use(0, 1, 2, 3, 4);
        foreach (var expert in new[] { 0, 1, 2, 3 })
            policy.Demanded(expert);

        policy.Demanded(4);

        Assert.Equal([0, 1, 2, 3, 4], policy.InOrder(0, 1, 2, 3, 4));
        policy.Demanded(0); // protected again; the next one goes
        Assert.Equal([1, 2, 3, 4, 0], policy.InOrder(0, 1, 2, 3, 4));
    }

    [Fact]
    public void Demanded_ProtectedAgain_BecomesTheYoungest()
    {
        var policy = new SegmentedPolicy(8, slots: 5);
        policy.Use(0, 1);
        policy.Demanded(0);
        policy.Demanded(1);

        policy.Demanded(0);

        Assert.Equal([1, 0], policy.InOrder(0, 1));
    }

    [Fact]
    public void Removed_Protected_ComesBackOnProbation()
    {
        var policy = new SegmentedPolicy(8, slots: 5);
        policy.Use(0, 1);
        policy.Demanded(0);
        policy.Demanded(1);
        policy.Removed(0);

        policy.Use(0);

        Assert.Equal([0, 1], policy.InOrder(1, 0));
    }

    [Fact]
    public void Demanded_Cold_IsOnProbationFirst()
    {
        var policy = new SegmentedPolicy(8, slots: 5);
        policy.Inserted(0, cold: true);
        policy.Inserted(1, cold: true);
        policy.Use(2);
        policy.Demanded(2);

        policy.Demanded(0);

        Assert.Equal([1, 0, 2], policy.InOrder(0, 1, 2));
    }

    [Fact]
    public void Demanded_TooFewSlotsToProtect_IsLeastRecentlyUsed()
    {
        var policy = new SegmentedPolicy(8, slots: 1);
        policy.Use(0, 1);

        policy.Demanded(0);

        Assert.Equal([1, 0], policy.InOrder(0, 1));
    }
}
