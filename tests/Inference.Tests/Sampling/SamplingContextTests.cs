using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class SamplingContextTests
{
    [Fact]
    public void Constructor_WithoutStep_CountsTheGenerated()
    {
        var context = new SamplingContext([1, 2], [3, 4, 5]);

        Assert.Equal([1, 2], context.Prompt.ToArray());
        Assert.Equal([3, 4, 5], context.Generated.ToArray());
        Assert.Equal(3, context.Step);
    }

    [Fact]
    public void Constructor_WithStep_KeepsIt() => Assert.Equal(9, new SamplingContext([1, 2], [3], 9).Step);

    [Fact]
    public void Constructor_NegativeStep_NamesValueAndReason()
    {
        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => new SamplingContext([], [], -2).Step);

        Assert.StartsWith("step must be 0 or more, since it counts the tokens drawn so far. (Parameter 'step')", fault.Message, StringComparison.Ordinal);
    }
}
