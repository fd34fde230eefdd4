using Deepseek.Inference.Experts;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Layers;

namespace Deepseek.Inference.Tests.Experts;

public sealed class ResidentExpertsTests
{
    [Fact]
    public void Rent_Experts_HandsOutTheirWeightsAsOftenAsAsked()
    {
        var random = new Random(1);
        var weights = Enumerable.Range(0, 4).ToDictionary(i => new ExpertId(2, i), _ => Weights(random));
        using var experts = new ResidentExperts(weights);
        ExpertId[] wanted = [new(2, 3), new(2, 0)];

        experts.Prefetch(wanted);
        using var first = experts.Rent(wanted, ExpertUse.Decode, CancellationToken.None);
        using var second = experts.Rent(wanted, ExpertUse.Decode, CancellationToken.None);

        Assert.Equal(wanted.Select(id => weights[id]), Taken(first));
        Assert.Equal(wanted.Select(id => weights[id]), Taken(second));
    }

    [Fact]
    public void Rent_AfterDispose_UsesTheBatchAgain()
    {
        var weights = new Dictionary<ExpertId, FeedForwardWeights> { [new(0, 0)] = Weights(new Random(1)), [new(0, 1)] = Weights(new Random(2)) };
        using var experts = new ResidentExperts(weights);
        var first = experts.Rent([new(0, 0), new(0, 1)], ExpertUse.Decode, CancellationToken.None);
        first.Dispose();
        first.Dispose();

        using var second = experts.Rent([new(0, 1)], ExpertUse.Decode, CancellationToken.None);
        using var third = experts.Rent([new(0, 0)], ExpertUse.Decode, CancellationToken.None);

        Assert.Same(first, second);
        Assert.NotSame(second, third);
        Assert.Equal([weights[new(0, 1)]], Taken(second));
        Assert.Equal([weights[new(0, 0)]], Taken(third));
    }

    [Fact]
    public void Rent_Cancelled_Throws()
    {
        using var experts = new ResidentExperts([]);

        Assert.Throws<OperationCanceledException>(() => experts.Rent([], ExpertUse.Decode, new CancellationToken(canceled: true)));
    }

    [Fact]
    public void Dispose_FreesTheWeights()
    {
        var weights = Weights(new Random(1));

        new ResidentExperts(new() { [new(0, 0)] = weights }).Dispose();

        Assert.ThrowsAny<Exception>(() => weights.Gate.Widen());
        Assert.ThrowsAny<Exception>(() => weights.Up.Widen());
        Assert.ThrowsAny<Exception>(() => weights.Down.Widen());
    }

    private static List<FeedForwardWeights> Taken(ExpertBatch batch)
    {
        List<FeedForwardWeights> taken = [];
        var indices = new int[8];
        while (batch.Take(indices) is var count and > 0)
            taken.AddRange(indices[..count].Select(index => batch[index]));
        return taken;
    }

    private static FeedForwardWeights Weights(Random random) => new(Passes.Matrix(random, 3, 2), Passes.Matrix(random, 3, 2), Passes.Matrix(random, 2, 3));
}
