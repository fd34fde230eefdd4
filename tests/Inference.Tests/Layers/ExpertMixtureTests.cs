using Deepseek.Inference.Configuration;
using Deepseek.Inference.Experts;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Layers;

public sealed class ExpertMixtureTests
{
    private const int Layer = 5;
    private const int Experts = 8;
    private const int Chosen = 3;
    private const int Hidden = 16;
    private const int Inner = 12;

    /// <summary>fp32 sums against sums in double.</summary>
    private const double Tolerance = 1e-5;

    private static readonly ExpertConfig Config =
        new(Experts, 1, Chosen, Inner, 0, 1, 2, 1, RoutingMethod.SigmoidNoAuxiliaryLoss, Renormalise: true, Scale: 2.5);

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    public void Forward_AnyOrderOfReadiness_GivesTheSameBits(int tokens)
    {
        using var scope = NewDisposeScope();
        var x = Passes.Normal(new Random(3), tokens, Hidden);
        var expected = Mixture(new ShuffledExperts(Random(2), null)).Forward(x, Passes.Plain()).ToArray<float>();

        for (var seed = 1; seed <= 20; seed++)
        {
            var source = new ShuffledExperts(Random(2), new Random(seed));
            var actual = Mixture(source).Forward(x, Passes.Plain()).ToArray<float>();

            Assert.Equal(Bits(expected), Bits(actual));
            Assert.Equal(0, source.Open);
        }
    }

    [Fact]
    public void Forward_OneToken_IsTheWeightedSumOfItsExpertsAndTheSharedOne()
    {
        using var scope = NewDisposeScope();
        var source = new ShuffledExperts(Random(2), null);
        var x = Passes.Normal(new Random(3), 1, Hidden);
        var observer = new Observer();

        var result = Mixture(source).Forward(x, Passes.Plain(observer));

        var routing = Assert.Single(observer.Routings);
        var expected = new double[Hidden];
        Add(expected, Shared(), 1);
        for (var k = 0; k < Chosen; k++)
            Add(expected, source.Weights[routing.Experts[k]], routing.Weights[k]);
        Assert.InRange(Passes.RelativeDifference(expected, result), 0, Tolerance);
        Assert.Equal(routing.Experts.Select(expert => new ExpertId(Layer, expert)), source.Rented);

        void Add(double[] sum, FeedForwardWeights weights, double factor)
        {
            var output = Oracle.SwiGlu(Doubles(x), weights);
            for (var i = 0; i < sum.Length; i++)
                sum[i] += factor * output[i];
        }
    }

    [Fact]
    public void Forward_WithoutSharedExperts_AddsNothing()
    {
        using var scope = NewDisposeScope();
        var source = new ShuffledExperts([.. Random(2).Select(_ => Zero())], null);

        var result = new ExpertMixture(Layer, Router(), source, null).Forward(Passes.Normal(new Random(3), 2, Hidden), Passes.Plain());

        Assert.All(result.ToArray<float>(), value => Assert.Equal(0, value));
    }

    [Fact]
    public void Forward_ExpertNeverReady_FreesTheBatch()
    {
        using var scope = NewDisposeScope();
        var source = new ShuffledExperts(Random(2), null) { FailAfter = 1 };

        Assert.Throws<IOException>(() => Mixture(source).Forward(Passes.Normal(new Random(3), 4, Hidden), Passes.Plain()));

        Assert.Equal(0, source.Open);
        Assert.Equal(1, source.Batches);
    }

    [Fact]
    public void Forward_CancelledWhileWaiting_FreesTheBatch()
    {
        using var scope = NewDisposeScope();
        using var cancellation = new CancellationTokenSource();
        var source = new ShuffledExperts(Random(2), null) { Handed = cancellation.Cancel };

        Assert.Throws<OperationCanceledException>(() => Mixture(source).Forward(Passes.Normal(new Random(3), 4, Hidden), Passes.Plain(null, cancellation.Token)));

        Assert.Equal(0, source.Open);
    }

    private static FeedForwardWeights[] Random(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Experts).Select(_ => Weights(random))];
    }

    private static FeedForwardWeights Weights(Random random) =>
        new(Passes.Matrix(random, Inner, Hidden), Passes.Matrix(random, Inner, Hidden), Passes.Matrix(random, Hidden, Inner));

    private static FeedForwardWeights Zero() =>
        new(new FloatMatrix(zeros(Inner, Hidden)), new FloatMatrix(zeros(Inner, Hidden)), new FloatMatrix(zeros(Hidden, Inner)));

    private static FeedForwardWeights Shared() => Weights(new Random(11));

    private static ExpertRouter Router() => new(Config, Passes.Matrix(new Random(7), Experts, Hidden), new float[Experts]);

    private static ExpertMixture Mixture(IExpertSource source) => new(Layer, Router(), source, new SwiGlu(Shared()));

    private static double[] Doubles(Tensor x) => Array.ConvertAll(x.ToArray<float>(), value => (double)value);

    private static int[] Bits(float[] values) => Array.ConvertAll(values, BitConverter.SingleToInt32Bits);

    private sealed class Observer : IForwardObserver
    {
        public List<Routing> Routings { get; } = [];

        public void OnHidden(int index, Tensor hidden)
        {
        }

        public void OnRouting(int layer, Routing routing)
        {
            Assert.Equal(Layer, layer);
            Routings.Add(routing);
        }
    }
}
