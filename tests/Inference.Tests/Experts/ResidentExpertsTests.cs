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
        using var first = experts.Rent(wanted, CancellationToken.None);
        using var second = experts.Rent(wanted, CancellationToken.None);

        Assert.Equal(wanted.Select(id => (id, weights[id])), first.Ready());
        Assert.Equal(first.Ready(), second.Ready());
    }

    [Fact]
    public void Rent_Cancelled_Throws()
    {
        using var experts = new ResidentExperts([]);

        Assert.Throws<OperationCanceledException>(() => experts.Rent([], new CancellationToken(canceled: true)));
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

    private static FeedForwardWeights Weights(Random random) => new(Passes.Matrix(random, 3, 2), Passes.Matrix(random, 3, 2), Passes.Matrix(random, 2, 3));
}
