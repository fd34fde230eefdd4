using System.Numerics;
using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class SoftMaxWeightsTests
{
    /// <summary>Three units in the last place: the polynomial's roundings and those of the reference.</summary>
    private const double ExponentialTolerance = 7e-16;

    /// <summary>Single precision rounds a probability of at most 1 by 6e-8.</summary>
    private const double ProbabilityTolerance = 6e-8;

    public static TheoryData<int> Lengths => [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 129, 1000];

    [Fact]
    public void Exponential_WholeRange_IsCloseToTheSystems()
    {
        for (var x = -708.0; x <= 0; x += 0.0371)
            Assert.InRange(SoftMaxWeights.Exponential(x) / Math.Exp(x), 1 - ExponentialTolerance, 1 + ExponentialTolerance);
    }

    [Theory]
    [InlineData(0.0, 1.0)]
    [InlineData(-708.001, 0.0)]
    [InlineData(-1e300, 0.0)]
    [InlineData(double.NegativeInfinity, 0.0)]
    public void Exponential_Ends_AreExact(double x, double expected) => Assert.Equal(expected, SoftMaxWeights.Exponential(x));

    [Fact]
    public void Exponential_Vector_EqualsScalarBitForBit()
    {
        var random = new Random(7);
        for (var i = 0; i < 2000; i++)
        {
            var x = i == 0 ? double.NegativeInfinity : -720 * Math.Pow(random.NextDouble(), 3);

            var vector = SoftMaxWeights.Exponential(new Vector<double>(x));

            for (var lane = 0; lane < Vector<double>.Count; lane++)
                Assert.Equal(BitConverter.DoubleToInt64Bits(SoftMaxWeights.Exponential(x)), BitConverter.DoubleToInt64Bits(vector[lane]));
        }
    }

    [Theory, MemberData(nameof(Lengths))]
    public void Probabilities_AnyLength_EqualTheDefinition(int length)
    {
        var row = Rows.Normal(length, seed: length, deviation: 4);
        var actual = new float[length];

        SoftMaxWeights.Probabilities(row, actual);

        var expected = Rows.Probabilities(row);
        for (var id = 0; id < length; id++)
            Assert.Equal(expected[id], actual[id], ProbabilityTolerance);
    }

    [Fact]
    public void Probabilities_LargeLogits_DoNotOverflow()
    {
        var actual = new float[3];

        SoftMaxWeights.Probabilities([3e38f, 3e38f, -3e38f], actual);

        Assert.Equal([0.5f, 0.5f, 0f], actual);
    }

    // The value was computed by the same formulas in Python: vectors of any width and any C library must reproduce it.
    [Fact]
    public void Compute_FixedRow_GivesTheSameBitsEverywhere()
    {
        var row = new float[1003];
        for (var id = 0; id < row.Length; id++)
            row[id] = (id * 7919 % 1003 / 16f) - 40; // exact in single precision
        var weights = new double[row.Length];

        var sum = SoftMaxWeights.Compute(row, LogitRow.Maximum(row), weights);

        var bits = weights.Append(sum).Aggregate(0UL, (hash, value) => SamplingRandom.Output(hash ^ BitConverter.DoubleToUInt64Bits(value), 0));
        Assert.Equal(9433966426940579093UL, bits);
    }
}
