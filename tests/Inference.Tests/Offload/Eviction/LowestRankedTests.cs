using Deepseek.Inference.Offload.Eviction;
using Deepseek.Inference.Tests.Sampling;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Offload.Eviction;

public sealed class LowestRankedTests
{
    private static readonly Gen<(int[] Ranks, int Places)> Cases =
        from count in Gen.Choose(0, 40)
        from ranks in Gen.Choose(0, 20).ArrayOf(count) // with ties
        from places in Gen.Choose(0, 9)
        select (ranks, places);

    [Fact]
    public void Offer_AnyRanks_GathersWhatSortingWould() => Rows.ForAll(Cases, one =>
    {
        int[] expected = [.. Enumerable.Range(0, one.Ranks.Length).OrderBy(item => one.Ranks[item]).Take(one.Places)];
        var items = new int[one.Places];
        var lowest = new LowestRanked(items, new double[one.Places]);

        for (var i = 0; i < one.Ranks.Length; i++)
            lowest.Offer(i, one.Ranks[i]);

        Assert.Equal(expected, items[..lowest.Count]);
    });

    [Fact]
    public void Offer_InfiniteRanks_ServeWhereNothingElseIs()
    {
        var items = new int[2];
        var lowest = new LowestRanked(items, new double[2]);

        lowest.Offer(4, double.PositiveInfinity);
        lowest.Offer(5, double.PositiveInfinity);
        lowest.Offer(6, 1);

        Assert.Equal((2, 6, 4), (lowest.Count, items[0], items[1]));
    }
}
