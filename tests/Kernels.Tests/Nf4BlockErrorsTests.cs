namespace Deepseek.Inference.Kernels.Tests;

public sealed class Nf4BlockErrorsTests
{
    public static TheoryData<KernelPath> Paths => [.. KernelPaths.Available];

    [Theory, MemberData(nameof(Paths))]
    public void Measure_AnyBlock_EqualsScalarBitForBit(KernelPath path)
    {
        var random = new Random(20260261);
        float[] inverses = [1f, -1f, 1 / 1.1f, -1 / 0.82f, 4f, 1f / 32, 0f]; // up to four times beyond the levels
        for (var pass = 0; pass < 100; pass++)
        {
            var block = Nf4Tests.Values(random, 64, 1f);
            foreach (var importance in new[] { [], BandData.Importance(random, 64) })
            {
                var (expected, actual) = (new float[inverses.Length], new float[inverses.Length]);

                Nf4BlockErrors.Measure(KernelPath.Scalar, block, importance, inverses, expected);
                Nf4BlockErrors.Measure(path, block, importance, inverses, actual);

                Assert.Equal(expected, actual);
            }
        }
    }

    [Theory, MemberData(nameof(Paths))]
    public void Measure_LevelsThresholdsAndBorders_TakeTheNearestLevel(KernelPath path)
    {
        // Every threshold, its neighbours, and the borders of the parts of a table: where a wrong choice would show.
        float[] places =
        [
            .. Nf4.Levels, .. Nf4.Thresholds, .. Nf4.Thresholds.ToArray().Select(MathF.BitIncrement), .. Nf4.Thresholds.ToArray().Select(MathF.BitDecrement),
            .. Enumerable.Range(-40, 80).SelectMany(i => new[] { i / 32f, MathF.BitIncrement(i / 32f), MathF.BitDecrement(i / 32f) }),
        ];
        foreach (var place in places)
        {
            var block = new float[64];
            block[17] = place;
            var actual = new float[1];

            Nf4BlockErrors.Measure(path, block, [], [1f], actual);

            var distance = Nf4.Levels.ToArray().Min(level => MathF.Abs(place - level));
            Assert.Equal(distance * distance, actual[0]);
        }
    }

    [Fact]
    public void Measure_HandWorkedBlock_IsTheSquaredDistanceTimesImportance()
    {
        var (block, importance, errors) = (new float[64], new float[64], new float[2]);
        (block[0], block[63], importance[0], importance[63]) = (0.9f, -0.2f, 1, 3);

        Nf4BlockErrors.Measure(KernelPaths.Selected, block, importance, [1f, -2f], errors);

        Assert.Equal(Math.Pow(0.1, 2) + (3 * Math.Pow(0.2 - 0.18477343022823334, 2)), errors[0], 6);
        Assert.Equal(Math.Pow(0.8, 2) + (3 * Math.Pow(0.4407098293304443 - 0.4, 2)), errors[1], 6); // −1.8 and 0.4
    }

    [Fact]
    public void Measure_WrongLengths_NameTheArgument()
    {
        Assert.StartsWith("weights has 63 elements; it must have 64", Assert.Throws<ArgumentException>(() => Nf4BlockErrors.Measure(KernelPath.Scalar, new float[63], [], [1f], new float[1])).Message, StringComparison.Ordinal);
        Assert.StartsWith("importance has 63 elements; it must have 64", Assert.Throws<ArgumentException>(() => Nf4BlockErrors.Measure(KernelPath.Scalar, new float[64], new float[63], [1f], new float[1])).Message, StringComparison.Ordinal);
        Assert.StartsWith("errors has 2 elements; it must have 1", Assert.Throws<ArgumentException>(() => Nf4BlockErrors.Measure(KernelPath.Scalar, new float[64], [], [1f], new float[2])).Message, StringComparison.Ordinal);
    }
}
