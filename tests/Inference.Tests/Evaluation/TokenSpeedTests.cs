using Deepseek.Inference.Evaluation;

namespace Deepseek.Inference.Tests.Evaluation;

public sealed class TokenSpeedTests
{
    [Fact]
    public void Of_OddNumberOfTimes_TakesTheMiddleOne()
    {
        var speed = TokenSpeed.Of(100, [TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(1)]);

        Assert.Equal(new TokenSpeed(50, 10, 100), speed);
    }

    [Fact]
    public void Of_EvenNumberOfTimes_TakesTheMeanOfTheMiddleTwo()
    {
        var speed = TokenSpeed.Of(100, [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10)]);

        Assert.Equal(new TokenSpeed(35, 10, 100), speed);
    }

    [Fact]
    public void Of_NoTimeAtAll_StaysFinite()
    {
        Assert.True(double.IsFinite(TokenSpeed.Of(1, [TimeSpan.Zero]).Maximum));
    }
}
