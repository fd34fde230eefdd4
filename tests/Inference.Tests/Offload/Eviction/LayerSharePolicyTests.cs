using Deepseek.Inference.Offload.Eviction;

namespace Deepseek.Inference.Tests.Offload.Eviction;

public sealed class LayerSharePolicyTests
{
    private const int PerLayer = 4;

    [Fact]
    public void Rank_LayerAtItsShare_EvictsItsOwn()
    {
        var policy = Policy(slots: 4);
        policy.Use(0, 1, 4, 5); // two of each layer

        Assert.Equal([4, 5, 0, 1], policy.InOrderFor(6, 0, 1, 4, 5));
        Assert.Equal([0, 1, 4, 5], policy.InOrderFor(2, 0, 1, 4, 5));
    }

    [Fact]
    public void Rank_LayerBelowItsShare_TakesFromTheOneAbove()
    {
        var policy = Policy(slots: 4);
        policy.Use(4, 0, 1, 2); // layer 1 has one

        Assert.Equal([0, 1, 2, 4], policy.InOrderFor(5, 0, 1, 2, 4));
    }

    [Fact]
    public void Rank_AfterRemoval_CountsAnew()
    {
        var policy = Policy(slots: 4);
        policy.Use(4, 0, 1, 2);
        policy.Removed(2);
        policy.Use(5);

        Assert.Equal([4, 5, 0, 1], policy.InOrderFor(6, 0, 1, 4, 5));
    }

    [Fact]
    public void Rank_Cold_LeavesFirstWhateverItsLayer()
    {
        var policy = Policy(slots: 4);
        policy.Use(4, 5, 0);
        policy.Inserted(1, cold: true);

        Assert.Equal(1, policy.InOrderFor(6, 0, 1, 4, 5)[0]);
    }

    [Fact]
    public void Rank_OrderWithinALayer_IsTheInnerPolicys()
    {
        var policy = Policy(slots: 4);
        policy.Use(4, 5, 0, 1);

        policy.Demanded(4);

        Assert.Equal([5, 4], policy.InOrderFor(6, 4, 5));
        Assert.Equal([5, 4], policy.InOrderFor(2, 4, 5));
    }

    private static LayerSharePolicy Policy(int slots) => new(new LeastRecentlyUsedPolicy(2 * PerLayer), 2, PerLayer, slots);
}
