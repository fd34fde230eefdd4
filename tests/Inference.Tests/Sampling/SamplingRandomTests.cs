using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class SamplingRandomTests
{
    // The outputs that other implementations of SplitMix64 publish for the seed 1234567.
    [Fact]
    public void Output_PublishedSeed_GivesThePublishedStream()
    {
        ulong[] expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821];

        for (var n = 0; n < expected.Length; n++)
            Assert.Equal(expected[n], SamplingRandom.Output(1234567, (ulong)n));
    }

    [Fact]
    public void NextUInt64_SecondDrawOfAStep_ContinuesTheStepsOwnStream()
    {
        var random = new SamplingRandom(seed: 1234567, step: 2);

        ulong[] drawn = [random.NextUInt64(), random.NextUInt64()];

        Assert.Equal([SamplingRandom.Output(9817491932198370423, 0), SamplingRandom.Output(9817491932198370423, 1)], drawn);
    }

    [Theory]
    [InlineData(0L)]
    [InlineData(-1L)]
    [InlineData(long.MinValue)]
    [InlineData(long.MaxValue)]
    public void NextDouble_AnySeed_IsUniformInTheUnitInterval(long seed)
    {
        const int Draws = 20_000;
        const double FourDeviations = 4 * 0.2886751 / 141.42; // of a mean of 20,000 uniform numbers
        var sum = 0.0;

        for (var step = 0; step < Draws; step++)
        {
            var random = new SamplingRandom(seed, step);
            var value = random.NextDouble();
            Assert.InRange(value, 0, 1 - Math.ScaleB(1, -53));
            sum += value;
        }

        Assert.Equal(0.5, sum / Draws, FourDeviations);
    }

    [Fact]
    public void Constructor_NegativeStep_NamesValueAndReason()
    {
        var fault = Assert.Throws<ArgumentOutOfRangeException>(() => new SamplingRandom(1, -1));

        Assert.StartsWith("step must be 0 or more, since it counts the tokens drawn so far. (Parameter 'step')", fault.Message, StringComparison.Ordinal);
        Assert.Equal(-1, fault.ActualValue);
    }

    [Fact]
    public void NewSeed_Twice_Differs() => Assert.NotEqual(SamplingRandom.NewSeed(), SamplingRandom.NewSeed());

    [Fact]
    public void Equality_FollowsWhatWillBeDrawn()
    {
        var (one, other) = (new SamplingRandom(1, 0), new SamplingRandom(1, 0));

        Assert.True(one == other && one.Equals((object)other) && one.GetHashCode() == other.GetHashCode());
        other.NextUInt64();
        Assert.True(one != other);
        Assert.False(one.Equals("other"));
    }
}
