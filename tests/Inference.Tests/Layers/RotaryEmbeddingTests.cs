using Deepseek.Inference.Compute;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Layers;

public sealed class RotaryEmbeddingTests
{
    /// <summary>fp32 roundings of sums of a few products.</summary>
    private const double Tolerance = 1e-5;

    [Fact]
    public void TurnInterleaved_QuarterTurn_TurnsNeighbours()
    {
        using var scope = NewDisposeScope();
        var pass = Passes.Turning([Math.PI / 2, 0], pairs: 2);

        var turned = RotaryEmbedding.TurnInterleaved(tensor(new float[] { 1, 2, 3, 4 }, [1, 4]), pass);

        AssertClose([-2, 1, 3, 4], turned); // (1, 2) by 90°, (3, 4) stays
    }

    [Fact]
    public void TurnHalves_QuarterTurn_TurnsAcrossTheHalves()
    {
        using var scope = NewDisposeScope();
        var pass = Passes.Turning([Math.PI / 2, 0], pairs: 2);

        var turned = RotaryEmbedding.TurnHalves(tensor(new float[] { 1, 2, 3, 4 }, [1, 1, 4]), pass);

        AssertClose([-3, 2, 1, 4], turned); // (1, 3) by 90°, (2, 4) stays
    }

    [Fact]
    public void TurnInterleaved_Heads_ShareTheirTokensAngles()
    {
        using var scope = NewDisposeScope();
        var pass = Passes.Turning([Math.PI, Math.PI / 2], pairs: 1);

        var turned = RotaryEmbedding.TurnInterleaved(tensor(new float[] { 1, 2, 3, 4, 5, 6, 7, 8 }, [2, 2, 2]), pass); // [N, H, d]

        AssertClose([-1, -2, -3, -4, -6, 5, -8, 7], turned);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Turn_AnyPositions_KeepsLengthsAndSeesDistancesOnly(bool interleaved)
    {
        using var scope = NewDisposeScope();
        var random = new Random(1);
        var rotary = new RotaryEmbedding(8, 10000, null);
        var (query, key) = (Passes.Normal(random, 1, 1, 8), Passes.Normal(random, 1, 1, 8));

        var products = new[] { (5, 2), (1003, 1000), (160_003, 160_000) }.Select(pair => Dot(At(query, pair.Item1), At(key, pair.Item2))).ToArray();

        Assert.All(products, product => Assert.Equal(products[0], product, 1e-4)); // cos and sin are rounded to fp32
        Assert.NotEqual(products[0], Dot(At(query, 5), At(key, 3)), 1e-2);
        Assert.Equal(Dot(query, query), Dot(At(query, 12_345), At(query, 12_345)), Tolerance * Dot(query, query));

        Tensor At(Tensor x, int position)
        {
            using var cache = Passes.Cache();
            cache.Advance(new int[position]);
            var (cosine, sine) = rotary.Angles([new Segment(cache, 0, 1)], CPU);
            var pass = Passes.Plain() with { Cosine = cosine, Sine = sine };
            return interleaved ? RotaryEmbedding.TurnInterleaved(x, pass) : RotaryEmbedding.TurnHalves(x, pass);
        }
    }

    [Fact]
    public void Angles_SeveralSequences_CountFromTheirOwnLengths()
    {
        using var scope = NewDisposeScope();
        var rotary = new RotaryEmbedding(2, 10000, null);
        using var first = Passes.Cache();
        using var second = Passes.Cache();
        second.Advance(new int[3]);

        var (cosine, sine) = rotary.Angles([new Segment(first, 0, 2), new Segment(second, 2, 1)], CPU);

        Assert.Equal([3, 1], cosine.shape);
        AssertClose([1, Math.Cos(1), Math.Cos(3)], cosine);
        AssertClose([0, Math.Sin(1), Math.Sin(3)], sine);
    }

    [Fact]
    public void Angles_Yarn_CarryItsMagnitude()
    {
        using var scope = NewDisposeScope();
        var rotary = new RotaryEmbedding(2, 10000, new YarnRopeScaling(40, 4096, 32, 1, 1, 0));
        using var cache = Passes.Cache();

        var (cosine, _) = rotary.Angles([new Segment(cache, 0, 1)], CPU);

        AssertClose([1 + (0.1 * Math.Log(40))], cosine);
    }

    [Fact]
    public unsafe void WriteAngles_SeveralSequences_WritesTheNumbersOfAngles()
    {
        using var scope = NewDisposeScope();
        var rotary = new RotaryEmbedding(10, 10000, new YarnRopeScaling(40, 4096, 32, 1, 1, 0));
        using var first = Passes.Cache();
        using var second = Passes.Cache();
        using var third = Passes.Cache();
        second.Advance(new int[3]);
        third.Advance(new int[160_000]);
        using var segments = new CpuSegments();
        segments.Add(first, 2);
        segments.Add(second, 1);
        segments.Add(third, 4);

        var (cosine, sine) = rotary.Angles([new Segment(first, 0, 2), new Segment(second, 2, 1), new Segment(third, 3, 4)], CPU);
        rotary.WriteAngles(segments);

        Assert.Equal(cosine.ToArray<float>(), Written(segments.Cosine));
        Assert.Equal(sine.ToArray<float>(), Written(segments.Sine));

        float[] Written(RowAddress at) => [.. Enumerable.Range(0, 7).SelectMany(row => new Span<float>(at(row), 5).ToArray())];
    }

    private unsafe delegate float* RowAddress(int row);

    private static double Dot(Tensor a, Tensor b) => a.ToArray<float>().Zip(b.ToArray<float>(), (x, y) => (double)x * y).Sum();

    private static void AssertClose(double[] expected, Tensor actual) =>
        Assert.All(expected.Zip(actual.ToArray<float>()), pair => Assert.Equal(pair.First, pair.Second, Tolerance));
}
