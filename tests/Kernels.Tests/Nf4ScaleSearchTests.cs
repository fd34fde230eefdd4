using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Kernels.Tests;

public sealed class Nf4ScaleSearchTests
{
    public static TheoryData<KernelPath> Paths => [.. KernelPaths.Available];

    [Theory, MemberData(nameof(Paths))]
    public void Fit_AnyBlock_EqualsScalarBitForBit(KernelPath path)
    {
        var random = new Random(20260103);
        foreach (var length in new[] { 16, 32, 48, 64, 128, 7, 65 })
        {
            var block = Nf4Tests.Values(random, length, 0.02f);
            var importance = Nf4Tests.Values(random, length, 1f).Select(MathF.Abs).ToArray();
            foreach (var scale in new[] { 0.02f, -0.013f, 0f })
            {
                Assert.Equal(Nf4ScaleSearch.Fit(KernelPath.Scalar, block, default, scale), Nf4ScaleSearch.Fit(path, block, default, scale));
                Assert.Equal(Nf4ScaleSearch.Fit(KernelPath.Scalar, block, default, scale).Error, Nf4ScaleSearch.Error(path, block, default, scale));
                Assert.Equal(Nf4ScaleSearch.Fit(KernelPath.Scalar, block, importance, scale), Nf4ScaleSearch.Fit(path, block, importance, scale));
            }
        }
    }

    [Fact]
    public void Find_AnyBlock_IsNeverWorseThanTheLargestMagnitude()
    {
        var blocks = Gen.Choose(-1000, 1000).ArrayOf(64).ToArbitrary();

        Prop.ForAll(blocks, block =>
        {
            var values = Array.ConvertAll(block, value => value / 1000f);
            var found = Nf4ScaleSearch.Find(values);
            return Nf4ScaleSearch.Error(values, found) <= Nf4ScaleSearch.Error(values, Nf4.LargestMagnitude(values));
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Error_HandWorkedBlock_IsTheSquaredDifference()
    {
        // Scale 2: 1.9 → level 1 (2), −0.1 → level −0.091 (−0.182).
        var expected = (0.1 * 0.1) + (3 * Math.Pow(-0.1 + (2 * 0.09105003625154495), 2));

        var error = Nf4ScaleSearch.Error([1.9f, -0.1f], 2f, [1f, 3f]);

        Assert.Equal(expected, error, 6);
    }

    [Fact]
    public void Find_ImportanceOnOneWeight_FitsThatWeight()
    {
        var block = new float[64];
        block[0] = 1f;
        block[1] = 0.6f; // not a level of scale 1
        var importance = new float[64];
        importance[1] = 1f;

        var plain = Nf4ScaleSearch.Find(block);
        var weighted = Nf4ScaleSearch.Find(block, importance);

        Assert.True(Nf4ScaleSearch.Error(block, weighted, importance) < Nf4ScaleSearch.Error(block, plain, importance));
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e-45f)]
    public void Find_BlockOfNothing_ReturnsItsMagnitude(float value) => Assert.Equal(value, Nf4ScaleSearch.Find([value, 0f, -value]));

    [Fact]
    public void Find_ImportanceOfAnotherLength_NamesBoth()
    {
        var error = Assert.Throws<ArgumentException>(() => Nf4ScaleSearch.Find(new float[64], new float[63]));

        Assert.StartsWith("importance has 63 elements; it must have 64, one for every weight, or none.", error.Message, StringComparison.Ordinal);
    }
}
