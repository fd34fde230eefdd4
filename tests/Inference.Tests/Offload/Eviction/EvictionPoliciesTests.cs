using Deepseek.Inference.Offload;
using Deepseek.Inference.Offload.Eviction;

namespace Deepseek.Inference.Tests.Offload.Eviction;

public sealed class EvictionPoliciesTests
{
    private const int Layers = 4;
    private const int PerLayer = 16;
    private const int Slots = 20;

    public static TheoryData<EvictionPolicy, bool> All =>
        new MatrixTheoryData<EvictionPolicy, bool>(Enum.GetValues<EvictionPolicy>(), [false, true]);

    [Theory, MemberData(nameof(All))]
    public void Rank_AnyPolicy_LiesWhereOthersBuildOnIt(EvictionPolicy kind, bool share)
    {
        var policy = EvictionPolicies.Create(kind, Layers, PerLayer, Slots, share);
        policy.Inserted(5, cold: true);

        for (var i = 0; i < 1000; i++)
            policy.Use(i % PerLayer, PerLayer + (i % 7), (3 * PerLayer) + (i % 3));

        Assert.InRange(policy.Rank(6, 7), EvictionRank.Warm, EvictionRank.Class * EvictionRank.Class * EvictionRank.Class);
        policy.Inserted(PerLayer + 9, cold: true);
        Assert.InRange(policy.Rank(PerLayer + 9, 7), 0, Math.BitDecrement(EvictionRank.Warm));
    }

    [Theory, MemberData(nameof(All))]
    public void Calls_AnyPolicy_AllocateNothing(EvictionPolicy kind, bool share)
    {
        var usage = new ExpertUsage(Layers, PerLayer);
        usage.Add(3);
        var policy = EvictionPolicies.Pin(EvictionPolicies.Create(kind, Layers, PerLayer, Slots, share), usage, Slots, 0.5);

        Assert.Equal(0, Allocations.LeastOf(() => Work(policy)));

        static void Work(IEvictionPolicy policy)
        {
            for (var i = 0; i < 1000; i++)
            {
                var expert = i * 7 % (Layers * PerLayer);
                policy.Demanded(expert);
                policy.Inserted(expert, i % 5 == 0);
                _ = policy.Rank(expert, i % 3);
                policy.Removed(expert);
            }
        }
    }

    [Fact]
    public void Pin_MostUsed_StayWhateverTheRankOfTheOthers()
    {
        var usage = new ExpertUsage(1, 4, passes: 9, [1, 0, 9, 4]);

        var policy = EvictionPolicies.Pin(EvictionPolicies.Create(EvictionPolicy.LeastRecentlyUsed, 1, 4, slots: 4), usage, slots: 4, share: 0.5);
        policy.Use(2, 3, 1, 0);

        Assert.Equal([1, 0], policy.InOrder(0, 1, 2, 3)[..2]);
        Assert.Equal((double.PositiveInfinity, double.PositiveInfinity), (policy.Rank(2, 0), policy.Rank(3, 0)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.2)] // less than one slot
    public void Pin_NoSlotForIt_LeavesThePolicyAsItIs(double share)
    {
        var policy = new LeastRecentlyUsedPolicy(4);

        Assert.Same(policy, EvictionPolicies.Pin(policy, new ExpertUsage(1, 4, 1, [1, 1, 1, 1]), slots: 4, share));
    }

    [Fact]
    public void Create_UnknownPolicy_IsNamed()
    {
        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => EvictionPolicies.Create((EvictionPolicy)9, 1, 1, 1));

        Assert.StartsWith("The eviction policy is 9; it must be one of LeastRecentlyUsed, SegmentedLeastRecentlyUsed, LeastFrequentlyUsed, LeastStale.", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 1, 1, "layers")]
    [InlineData(1, -1, 1, "expertsPerLayer")]
    [InlineData(1, 1, 0, "slots")]
    public void Create_NumberThatIsNotPositive_IsNamed(int layers, int perLayer, int slots, string name)
    {
        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => EvictionPolicies.Create(EvictionPolicy.LeastStale, layers, perLayer, slots));

        Assert.Equal(name, fault.ParamName);
    }
}
