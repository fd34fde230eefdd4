using Deepseek.Inference.Configuration;
using Deepseek.Inference.Experts;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Models;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Layers;

/// <summary>The mixture on the CPU operations, against itself in other orders and against the definition in tensors.</summary>
public sealed class CpuExpertMixtureTests : IDisposable
{
    private const int Layer = 5;
    private const int Experts = 8;
    private const int Chosen = 3;
    private const int Hidden = 72;
    private const int Inner = 68; // a block of 64, and a ragged one

    /// <summary>fp32 sums in two orders.</summary>
    private const double Tolerance = 1e-5;

    private static readonly ExpertConfig Config =
        new(Experts, 1, Chosen, Inner, 0, 1, 2, 1, RoutingMethod.SigmoidNoAuxiliaryLoss, Renormalise: true, Scale: 2.5);

    private readonly CpuPasses _passes = new();

    public void Dispose() => _passes.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    [InlineData(150)] // more than an item's tokens
    public void Forward_AnyOrderOfReadiness_GivesTheSameBits(int tokens)
    {
        using var scope = NewDisposeScope();
        var x = Passes.Normal(new Random(3), tokens, Hidden);
        var expected = _passes.Forward(Mixture(new ShuffledExperts(Weights(), null)), x);

        for (var seed = 1; seed <= 20; seed++)
        {
            var source = new ShuffledExperts(Weights(), new Random(seed));
            var actual = _passes.Forward(Mixture(source), x);

            Fixture.AssertSameBits(expected, actual);
            Assert.Equal(0, source.Open);
        }
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(1, false)]
    [InlineData(40, true)]
    [InlineData(40, false)]
    public void Forward_AnyTokens_EqualsTheDefinition(int tokens, bool shared)
    {
        using var scope = NewDisposeScope();
        var x = Passes.Normal(new Random(4), tokens, Hidden);
        var mixture = Mixture(new ShuffledExperts(Weights(), null), shared);

        var expected = mixture.Forward(x, Passes.Plain()).ToArray<float>();
        var actual = _passes.Forward(mixture, x);

        Fixture.AssertClose(expected, actual, Tolerance);
    }

    [Fact]
    public void Forward_Observer_SeesTheRoutingOfTheDefinition()
    {
        using var scope = NewDisposeScope();
        var x = Passes.Normal(new Random(5), 6, Hidden);
        var mixture = Mixture(new ShuffledExperts(Weights(), null));
        var (byTensors, byKernels) = (new Routings(), new Routings());

        mixture.Forward(x, Passes.Plain(byTensors));
        _ = _passes.Forward(mixture, x, byKernels);

        Assert.Equal(byTensors.Single.Experts, byKernels.Single.Experts);
        Fixture.AssertClose(byTensors.Single.Weights, byKernels.Single.Weights, Tolerance);
    }

    [Fact]
    public void Forward_ExpertNeverReady_FreesTheBatchAndComputesAgain()
    {
        using var scope = NewDisposeScope();
        var x = Passes.Normal(new Random(3), 4, Hidden);
        var expected = _passes.Forward(Mixture(new ShuffledExperts(Weights(), null)), x);
        var source = new ShuffledExperts(Weights(), new Random(1)) { FailAfter = 1 };

        Assert.Throws<IOException>(() => _passes.Forward(Mixture(source), x));

        Assert.Equal((0, 1), (source.Open, source.Batches));
        Fixture.AssertSameBits(expected, _passes.Forward(Mixture(new ShuffledExperts(Weights(), new Random(2))), x));
    }

    [Fact]
    public void Forward_CancelledWhileWaiting_FreesTheBatchAndComputesAgain()
    {
        using var scope = NewDisposeScope();
        using var cancellation = new CancellationTokenSource();
        var x = Passes.Normal(new Random(3), 4, Hidden);
        var expected = _passes.Forward(Mixture(new ShuffledExperts(Weights(), null)), x);
        var source = new ShuffledExperts(Weights(), null) { Handed = cancellation.Cancel };

        Assert.Throws<OperationCanceledException>(() => _passes.Forward(Mixture(source), x, null, cancellation.Token));

        Assert.Equal(0, source.Open);
        Fixture.AssertSameBits(expected, _passes.Forward(Mixture(new ShuffledExperts(Weights(), null)), x));
    }

    private static FeedForwardWeights[] Weights()
    {
        var random = new Random(2);
        return [.. Enumerable.Range(0, Experts).Select(_ => Weights(random))];
    }

    private static FeedForwardWeights Weights(Random random) =>
        new(Passes.Matrix(random, Inner, Hidden), Passes.Matrix(random, Inner, Hidden), Passes.Matrix(random, Hidden, Inner));

    private static ExpertMixture Mixture(IExpertSource source, bool shared = true) =>
        new(Layer, new ExpertRouter(Config, Passes.Matrix(new Random(7), Experts, Hidden), new float[Experts]), source, shared ? new SwiGlu(Weights(new Random(11))) : null);

    private sealed class Routings : IForwardObserver
    {
        private readonly List<Routing> _all = [];

        public Routing Single => Assert.Single(_all);

        public void OnHidden(int index, Tensor hidden)
        {
        }

        public void OnRouting(int layer, Routing routing)
        {
            Assert.Equal(Layer, layer);
            _all.Add(routing);
        }
    }
}
