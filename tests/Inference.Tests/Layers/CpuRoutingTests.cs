using Deepseek.Inference.Experts;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Tests.Sampling;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Layers;

public sealed class CpuRoutingTests
{
    private const int Layer = 3;

    [Fact]
    public void Group_AnyChoices_OrdersThemByExpertThenRow()
    {
        using var routing = new CpuRouting();

        Rows.ForAll(
            from rows in Gen.Choose(1, 12)
            from experts in Gen.Choose(1, 9)
            from chosen in Gen.Choose(1, experts)
            from seed in Gen.Choose(0, int.MaxValue)
            select (rows, experts, chosen, seed),
            one => AssertGrouped(routing, one.rows, one.experts, one.chosen, one.seed));
    }

    [Fact]
    public unsafe void Reserve_WithoutSharedExperts_HasNoRoomForThem()
    {
        using var routing = new CpuRouting();

        routing.Reserve(2, 4, 1, 8, shared: true);
        var before = routing.Shared is null;
        routing.Reserve(2, 4, 1, 8, shared: false);

        Assert.False(before);
        Assert.True(routing.Shared is null);
    }

    [Fact]
    public unsafe void SortReady_SomeExperts_ComeByHowManyRowsChoseThem()
    {
        using var routing = new CpuRouting();
        routing.Reserve(rows: 6, experts: 9, chosen: 2, hidden: 8, shared: false);
        new[] { 1, 8, 1, 8, 1, 4, 2, 4, 1, 6, 1, 4 }.CopyTo(new Span<int>(routing.Experts, 12)); // 1 five times, 2 and 6 once, 4 three times, 8 twice
        routing.Group(Layer, rows: 6, experts: 9, chosen: 2);
        new[] { 0, 2, 4, 1 }.CopyTo(routing.Ready); // 1, 4, 8, 2

        routing.SortReady(4);

        Assert.Equal([2, 8, 4, 1], routing.Ready[..4].ToArray().Select(index => routing.Distinct[index].Index));
    }

    /// <summary>Against the same by sorting. The routing is used again and again, as by the layers of a pass.</summary>
    private static unsafe void AssertGrouped(CpuRouting routing, int rows, int experts, int chosen, int seed)
    {
        var random = new Random(seed);
        var choices = Enumerable.Range(0, rows).SelectMany(_ => Enumerable.Range(0, experts).OrderBy(_ => random.Next()).Take(chosen).Order()).ToArray();
        routing.Reserve(rows, experts, chosen, hidden: 4, shared: false);
        choices.CopyTo(new Span<int>(routing.Experts, choices.Length));

        routing.Group(Layer, rows, experts, chosen);

        var ordered = choices.Select((expert, at) => (expert, at)).OrderBy(pair => pair.expert).ThenBy(pair => pair.at).ToArray();
        Assert.Equal(choices.Distinct().Order().Select(expert => new ExpertId(Layer, expert)), routing.Distinct.ToArray());
        Assert.Equal(routing.DistinctCount, routing.Ready.Length);
        Assert.Equal(ordered.Select(pair => pair.at / chosen), new Span<int>(routing.Rows, choices.Length).ToArray());
        Assert.Equal(choices.Select((_, at) => Array.FindIndex(ordered, pair => pair.at == at)), new Span<int>(routing.Places, choices.Length).ToArray());
        for (var expert = 0; expert < experts; expert++)
            Assert.Equal((ordered.Count(pair => pair.expert < expert), choices.Count(choice => choice == expert)), routing.PlacesOf(expert));
    }
}
