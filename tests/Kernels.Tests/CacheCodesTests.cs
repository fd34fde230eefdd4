using System.Runtime.Intrinsics;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Kernels.Tests;

public sealed class CacheCodesTests
{
    public static TheoryData<KernelPath> Paths => [.. KernelPaths.Available.Append(KernelPath.Avx512).Distinct()];

    [Theory, MemberData(nameof(Paths))]
    public void Round_AnyLength_EqualsScalarBitForBit(KernelPath path)
    {
        var random = new Random(20260420);
        foreach (var length in new[] { 0, 1, 7, 8, 9, 16, 31, 64, 136, 512 })
        {
            var values = BandData.Normal(random, length);
            var (expected, actual) = (new short[length], new short[length]);

            var scale = CacheCodes.Round(path, values, actual);

            Assert.Equal(CacheCodes.Round(KernelPath.Scalar, values, expected), scale);
            Assert.Equal(expected, actual);
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Round_HandWorkedValues_GoesToTheNearestThenToEven(KernelPath path)
    {
        var codes = new short[9];

        var scale = CacheCodes.Round(path, [32767, -32767, 0.5f, 1.5f, -2.5f, 0.51f, -0.49f, 0, 100], codes);

        Assert.Equal(1, scale);
        Assert.Equal([32767, -32767, 0, 2, -2, 1, 0, 0, 100], codes);
    }

    [Theory, MemberData(nameof(Paths))]
    public void Round_NotFinite_GivesAScaleThatIsNotFinite(KernelPath path)
    {
        foreach (var value in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            foreach (var at in new[] { 0, 5, 18 })
            {
                var values = Enumerable.Repeat(1f, 19).ToArray();
                values[at] = value;
                var codes = new short[19];

                var scale = CacheCodes.Round(path, values, codes);

                Assert.False(float.IsFinite(scale));
                Assert.All(codes, code => Assert.Equal(0, code));
            }
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Round_Zeros_GivesScaleZero(KernelPath path)
    {
        var codes = new short[40];

        Assert.Equal(0, CacheCodes.Round(path, new float[40], codes));
        Assert.All(codes, code => Assert.Equal(0, code));
    }

    [Fact]
    public void Decode_RoundedValues_AreWithinHalfAStep()
    {
        var values = BandData.Normal(new Random(20260421), 512);
        var (codes, decoded) = (new short[512], new float[512]);

        var scale = CacheCodes.Round(KernelPaths.Selected, values, codes);
        CacheCodes.Decode(codes, scale, decoded);

        Assert.All(values.Zip(decoded), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, 0.501 * scale));
    }

    [Fact]
    public void Round_LengthsDiffer_SaysSo()
    {
        var fault = Assert.Throws<ArgumentException>(() => CacheCodes.Round(KernelPath.Scalar, new float[3], new short[2]));

        Assert.StartsWith("codes has 2 elements; it must have 3, to fit the other arguments.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_AnyNumbersOfARun_TheirProductsWithAnyCodesFit32Bits()
    {
        var magnitudes = from count in Gen.Choose(1, CodeSteps.Run)
                         from seed in Gen.Choose(0, int.MaxValue)
                         from power in Gen.Choose(0, 40)
                         from exponent in Gen.Choose(-30, 30)
                         select RunOf(count, seed, power / 4.0, exponent);

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(magnitudes.ToArbitrary(), run =>
        {
            var (_, inverse) = CodeSteps.Of(run.Max(), run.Sum());
            var codes = run.Select(value => (long)MathF.Round(value * inverse)).ToArray();
            return codes.Max() <= CodeSteps.Largest && codes.Sum() * CodeSteps.Largest <= int.MaxValue;
        }));
    }

    [Fact]
    public void Of_EightAtOnce_AreThoseOfOne()
    {
        float[] some = [0, -0f, 1, 32_767, 65_000, float.Epsilon, 1e-38f, 1e-35f, 3e38f, float.PositiveInfinity, float.NaN];
        for (var first = 0; first < some.Length * some.Length; first++)
        {
            float[] largest = [.. Enumerable.Range(first, 8).Select(i => some[i % some.Length])];
            float[] sum = [.. Enumerable.Range(first, 8).Select(i => some[i / some.Length % some.Length])];

            var eight = CodeSteps.Of(Vector256.Create(largest), Vector256.Create(sum));

            for (var i = 0; i < 8; i++)
            {
                var one = CodeSteps.Of(largest[i], sum[i]);
                Assert.Equal((Bits(one.Step), Bits(one.Inverse)), (Bits(eight.Step[i]), Bits(eight.Inverse[i])));
            }
        }

        static int Bits(float value) => float.IsNaN(value) ? -1 : BitConverter.SingleToInt32Bits(value);
    }

    // From all alike (power 0) to a few that are much larger than the rest.
    private static float[] RunOf(int count, int seed, double power, int exponent)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(Math.Pow(random.NextDouble(), power) * Math.Pow(10, exponent)))];
    }
}
