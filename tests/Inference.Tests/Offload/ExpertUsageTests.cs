using Deepseek.Inference.Offload;

namespace Deepseek.Inference.Tests.Offload;

public sealed class ExpertUsageTests
{
    [Fact]
    public void Order_Demands_MostFirstAndUnusedNotAtAll()
    {
        var usage = new ExpertUsage(2, 3);
        foreach (var expert in new[] { 4, 1, 4, 2 })
            usage.Add(expert);

        Assert.Equal([4, 1, 2], usage.Order());
    }

    [Fact]
    public void Passes_DemandsOfSeveralTokens_AreCountedByTheirReturnToALowerLayer()
    {
        var usage = new ExpertUsage(2, 3);
        Assert.Equal(0, usage.Passes);

        foreach (var expert in new[] { 0, 1, 3, 0, 2, 5, 1 }) // two experts of layer 0, one of layer 1, and so on
            usage.Add(expert);

        Assert.Equal(3, usage.Passes);
    }

    [Fact]
    public void Copy_LaterDemands_DoNotReachIt()
    {
        var usage = new ExpertUsage(1, 2);
        usage.Add(0);
        var copy = usage.Copy();

        usage.Add(0);

        Assert.Equal((1f, 2f, 1.0), (copy.Counts[0], usage.Counts[0], copy.Passes));
    }

    [Theory]
    [InlineData(8, 8, 4)] // nothing to bound
    [InlineData(4, 4, 2)]
    public void Bounded_Passes_ScalesCountsWithThem(double bound, double passes, float count)
    {
        var bounded = new ExpertUsage(1, 2, passes: 8, [4, 0]).Bounded(bound);

        Assert.Equal((passes, count, 0f), (bounded.Passes, bounded.Counts[0], bounded.Counts[1]));
    }
}
