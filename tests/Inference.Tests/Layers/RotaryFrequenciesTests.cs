using Deepseek.Inference.Configuration;
using Deepseek.Inference.Layers;

namespace Deepseek.Inference.Tests.Layers;

public sealed class RotaryFrequenciesTests
{
    /// <summary>Double arithmetic in another order.</summary>
    private const double Tolerance = 1e-12;

    private static readonly YarnRopeScaling R1 = new(40, 4096, 32, 1, 1, 1);

    [Fact]
    public void Create_WithoutScaling_IsTheGeometricSeries()
    {
        var frequencies = RotaryFrequencies.Create(64, 10000, null);

        Assert.Equal(32, frequencies.Length);
        Assert.Equal(1, frequencies[0]);
        Assert.Equal(0.1, frequencies[8], Tolerance); // 10000^(−16/64)
        Assert.Equal(0.01, frequencies[16], Tolerance);
        Assert.Equal(1e-4 * Math.Pow(10, 0.125), frequencies[31], Tolerance);
    }

    [Fact]
    public void Create_R1_BlendsBetweenDimensions10And23()
    {
        var plain = RotaryFrequencies.Create(64, 10000, null);

        var yarn = RotaryFrequencies.Create(64, 10000, R1);

        for (var i = 0; i < 32; i++)
        {
            var interpolated = i <= 10 ? 0 : i >= 23 ? 1 : (i - 10) / 13.0;
            Assert.Equal(plain[i] * (1 - interpolated + (interpolated / 40)), yarn[i], Tolerance);
        }
    }

    [Theory]
    [InlineData(4096, 10.46, 22.51)] // 64 ln(4096 / 2πβ) / (2 ln 10000) for β = 32 and 1: rounded outward, 10 and 23
    public void Create_R1_BoundsFollowFromTheRotations(int original, double fast, double slow)
    {
        Assert.Equal(fast, 64 * Math.Log(original / (32 * 2 * Math.PI)) / (2 * Math.Log(10000)), 0.02);
        Assert.Equal(slow, 64 * Math.Log(original / (2 * Math.PI)) / (2 * Math.Log(10000)), 0.02);
    }

    [Fact]
    public void Create_YarnOfEqualBetas_IsOneStep()
    {
        // Kimi-K2: β 1/1 and θ 50000; both bounds come from 64 ln(4096 / 2π) / (2 ln 50000) = 19.17.
        var plain = RotaryFrequencies.Create(64, 50000, null);

        var yarn = RotaryFrequencies.Create(64, 50000, new YarnRopeScaling(32, 4096, 1, 1, 1, 1));

        Assert.Equal(plain[..20], yarn[..20]);
        Assert.All(Enumerable.Range(20, 12), i => Assert.Equal(plain[i] / 32, yarn[i], Tolerance));
    }

    [Fact]
    public void Create_YarnWithinOneDimension_DoesNotDivideByZero()
    {
        // An original length so short that both bounds are cut to 0.
        var yarn = RotaryFrequencies.Create(8, 10000, new YarnRopeScaling(4, 1, 32, 1, 1, 1));

        Assert.Equal(RotaryFrequencies.Create(8, 10000, null).Select((f, i) => i == 0 ? f : f / 4), yarn, (a, b) => Math.Abs(a - b) < Tolerance);
    }

    [Fact]
    public void Create_YarnOfFactorOne_ChangesNothing() =>
        Assert.Equal(RotaryFrequencies.Create(64, 10000, null), RotaryFrequencies.Create(64, 10000, R1 with { Factor = 1 }), (a, b) => Math.Abs(a - b) < Tolerance);

    [Fact]
    public void Create_Llama3_ScalesByWavelength()
    {
        // R1-Distill-Llama: wavelengths above 8192 are divided by 8, those below 2048 kept, by the published piecewise formula.
        var plain = RotaryFrequencies.Create(128, 500000, null);

        var scaled = RotaryFrequencies.Create(128, 500000, new Llama3RopeScaling(8, 1, 4, 8192));

        for (var i = 0; i < 64; i++)
        {
            var wavelength = 2 * Math.PI / plain[i];
            var smooth = ((8192 / wavelength) - 1) / (4 - 1);
            var expected = wavelength < 2048 ? plain[i] : wavelength > 8192 ? plain[i] / 8 : ((1 - smooth) * plain[i] / 8) + (smooth * plain[i]);
            Assert.Equal(expected, scaled[i], Tolerance);
        }

        Assert.Contains(Enumerable.Range(0, 64), i => scaled[i] < plain[i] && scaled[i] > plain[i] / 8);
    }

    [Theory]
    [InlineData(1.0, 1.0, 1.0)]
    [InlineData(0.707, 0.707, 1.0)]
    [InlineData(1.0, 0.0, 1.3688879454113936)] // 1 + 0.1 ln 40: YaRN's own, as Qwen2 uses it
    [InlineData(0.5, 0.25, 1.0844352)] // (1 + 0.05 ln 40) / (1 + 0.025 ln 40)
    public void Magnitude_Yarn_IsTheRatio(double one, double all, double expected) =>
        Assert.Equal(expected, RotaryFrequencies.Magnitude(R1 with { Magnitude = one, MagnitudeAllDimensions = all }), 7);

    [Fact]
    public void Magnitude_OtherScalings_IsOne()
    {
        Assert.Equal(1, RotaryFrequencies.Magnitude(null));
        Assert.Equal(1, RotaryFrequencies.Magnitude(new Llama3RopeScaling(8, 1, 4, 8192)));
        Assert.Equal(1, RotaryFrequencies.Magnitude(R1 with { Factor = 1, MagnitudeAllDimensions = 0 }));
    }

    [Theory]
    [InlineData(1.0, 0.1352338)] // R1: 192^−½ · (1 + 0.1 ln 40)²
    [InlineData(0.707, 0.1147214)] // V2-Lite: 192^−½ · (1 + 0.0707 ln 40)²
    [InlineData(0.0, 0.0721688)] // turned off: 192^−½
    public void SoftmaxScale_PublishedModels_HasTheirValue(double all, double expected)
    {
        var shape = new LatentAttentionConfig(1536, 512, 128, 64, 128);

        Assert.Equal(expected, LatentAttention.SoftmaxScale(shape, R1 with { Magnitude = all, MagnitudeAllDimensions = all }), 7);
    }

    [Fact]
    public void SoftmaxScale_WithoutYarn_IsTheInverseRoot()
    {
        var shape = new LatentAttentionConfig(null, 512, 128, 64, 128);

        Assert.Equal(1 / Math.Sqrt(192), LatentAttention.SoftmaxScale(shape, null));
        Assert.Equal(1 / Math.Sqrt(192), LatentAttention.SoftmaxScale(shape, new Llama3RopeScaling(8, 1, 4, 8192)));
    }
}
