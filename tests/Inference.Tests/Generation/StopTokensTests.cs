using Deepseek.Inference.Generation;

namespace Deepseek.Inference.Tests.Generation;

public sealed class StopTokensTests
{
    [Fact]
    public void Accept_TokenOfTheSet_StopsBeforeIt()
    {
        var scan = new StopTokens([1, 128_800, 1]).Begin();

        Assert.Equal(
            [StopDecision.Continue, StopDecision.StopBefore, StopDecision.StopBefore, StopDecision.Continue],
            new[] { 0, 1, 128_800, -1 }.Select(scan.Accept));
    }

    [Fact]
    public void Accept_EmptySet_NeverStops() => Assert.Equal(StopDecision.Continue, new StopTokens([]).Begin().Accept(0));

    [Fact]
    public void Ids_HoldsEachOnce() => Assert.Equal([1, 5], new StopTokens([5, 1, 5]).Ids.Order());

    [Fact]
    public void Constructor_NegativeIds_NamesThemAll()
    {
        var fault = Assert.Throws<ArgumentException>(() => new StopTokens([3, -1, -7]));

        Assert.Equal("ids holds -7, -1; token ids must be 0 or more. (Parameter 'ids')", fault.Message);
    }
}
