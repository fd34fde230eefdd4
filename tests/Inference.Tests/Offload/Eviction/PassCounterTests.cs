using Deepseek.Inference.Offload.Eviction;

namespace Deepseek.Inference.Tests.Offload.Eviction;

public sealed class PassCounterTests
{
    [Theory]
    [InlineData(new[] { 0, 1, 4, 5, 8 }, 0, 2)]
    [InlineData(new[] { 0, 4, 8, 0, 4, 1 }, 2, 0)]
    [InlineData(new[] { 4, 4, 4 }, 0, 1)] // sequences side by side, of three layers
    public void Follow_SeveralLayers_CountsReturns(int[] demands, int pass, int layer)
    {
        var passes = new PassCounter(experts: 12, expertsPerLayer: 4);

        foreach (var expert in demands)
            passes.Follow(expert);

        Assert.Equal((pass, layer), (passes.Pass, passes.Layer));
    }

    [Fact]
    public void Follow_OneLayer_CountsRepetitions()
    {
        var passes = new PassCounter(experts: 4, expertsPerLayer: 4);

        foreach (var expert in new[] { 0, 1, 1, 2, 1, 0 })
            passes.Follow(expert);

        Assert.Equal(2, passes.Pass);
    }
}
