using Deepseek.Inference.Caching;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Models;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests.Layers;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Models;

/// <summary>Passes of a whole stack on the CPU operations that fail or are cancelled within.</summary>
public sealed class CpuDecoderTests : IDisposable
{
    private const int Vocabulary = 50;
    private const int Hidden = 32;
    private const int Inner = 48;
    private const int Heads = 4;
    private const int HeadSize = 8;
    private const int Layers = 3;
    private const int Experts = 6;

    /// <summary>Longer than a pass takes by thousands of times: only what never ends would reach it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly ExpertConfig Config =
        new(Experts, 1, 2, Inner, 0, 1, 1, 1, RoutingMethod.SoftmaxGreedy, Renormalise: false, Scale: 1);

    private readonly Random _random = new(1);
    private readonly ShuffledExperts _source;
    private readonly Decoder _decoder;
    private readonly CpuPass _pass = new(new CpuEngine(3, ActivationPrecision.Fp32));
    private readonly List<SequenceCache> _caches = [];

    public CpuDecoderTests()
    {
        // A scope holds what tests may leave behind; the weights are disposed with the decoder.
        using var scope = NewDisposeScope();
        _source = new ShuffledExperts([.. Enumerable.Range(0, Experts).Select(_ => FeedForward())], new Random(2));
        _decoder = new Decoder(
            new TorchOperations(AttentionForm.Absorbed), new RotaryEmbedding(HeadSize, 10000, null), Matrix(Vocabulary, Hidden), [Layer(0), Layer(1), Layer(2)], Norm(), Matrix(Vocabulary, Hidden));
        scope.Detach(scope.DisposablesView);
    }

    public void Dispose()
    {
        foreach (var cache in _caches)
            cache.Dispose();
        foreach (var weights in _source.Weights)
            weights.Dispose();
        _decoder.Dispose();
        _pass.Engine.Dispose();
        _pass.Dispose();
    }

    [Theory]
    [InlineData(0)] // before the first expert
    [InlineData(1)]
    [InlineData(3)]
    public async Task Forward_ExpertFaultsWithin_LeavesCachesAndComputesOn(int failAfter)
    {
        var expected = Undisturbed();
        var (first, second) = Held();
        _source.FailAfter = failAfter;

        var fault = await Assert.ThrowsAsync<IOException>(() => InTime(() => Logits(Batch(first, second))));

        Assert.Equal("The disk failed.", fault.Message);
        Assert.Equal(0, _source.Open);
        Assert.Equal((2, 0), (first.Length, second.Length));
        _source.FailAfter = int.MaxValue;
        Fixture.AssertSameBits(expected, await InTime(() => Logits(Batch(first, second))));
        Assert.Equal((5, 4), (first.Length, second.Length));
    }

    [Fact]
    public async Task Forward_CancelledWhileExpertsAreAwaited_LeavesCachesAndComputesOn()
    {
        using var cancellation = new CancellationTokenSource();
        var expected = Undisturbed();
        var (first, second) = Held();
        _source.Handed = cancellation.Cancel;

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => InTime(() => Logits(Batch(first, second), cancellation.Token)));

        Assert.Equal(0, _source.Open);
        Assert.Equal((2, 0), (first.Length, second.Length));
        _source.Handed = null;
        Fixture.AssertSameBits(expected, await InTime(() => Logits(Batch(first, second))));
    }

    [Fact]
    public async Task Forward_FaultOnAThreadOfTheTeam_LeavesCachesAndComputesOn()
    {
        var expected = Undisturbed();
        var (first, second) = Held();
        Array.ForEach(_source.Weights, weights => ((FaultyMatrix)weights.Up).Fails = true);

        await Assert.ThrowsAsync<IOException>(() => InTime(() => Logits(Batch(first, second))));

        Assert.Equal(0, _source.Open);
        Assert.Equal((2, 0), (first.Length, second.Length));
        Array.ForEach(_source.Weights, weights => ((FaultyMatrix)weights.Up).Fails = false);
        Fixture.AssertSameBits(expected, await InTime(() => Logits(Batch(first, second))));
    }

    [Fact]
    public unsafe void Forward_NoLogitsAskedFor_FillsTheCachesAlike()
    {
        var expected = Undisturbed();
        var (first, second) = Held();
        var batch = Batch(first, second);

        _decoder.Forward(_pass, [batch[0] with { Ids = batch[0].Ids[..2] }, batch[1] with { Ids = batch[1].Ids[..3] }], null, null, null, CancellationToken.None);

        Assert.Equal((4, 3), (first.Length, second.Length));
        Fixture.AssertSameBits(expected, Logits([batch[0] with { Ids = batch[0].Ids[2..] }, batch[1] with { Ids = batch[1].Ids[3..] }]));
    }

    /// <summary>Two sequences, of which one holds tokens already.</summary>
    private (SequenceCache First, SequenceCache Second) Held()
    {
        var (first, second) = (Cache(), Cache());
        _ = Logits([new SequenceInput(new[] { 1, 2 }, first)]);
        return (first, second);

        SequenceCache Cache()
        {
            _caches.Add(new KeyValueCache(this, Layers, Heads, HeadSize, 1000, new CacheOptions { Precision = CachePrecision.Float32 }, CPU));
            return _caches[^1];
        }
    }

    private static SequenceInput[] Batch(SequenceCache first, SequenceCache second) =>
        [new SequenceInput(new[] { 7, 8, 9 }, first), new SequenceInput(new[] { 10, 11, 12, 13 }, second)];

    private float[] Undisturbed()
    {
        var (first, second) = Held();
        return Logits(Batch(first, second));
    }

    private unsafe float[] Logits(SequenceInput[] batch, CancellationToken cancellationToken = default)
    {
        var logits = new float[batch.Length * Vocabulary];
        fixed (float* to = logits)
            _decoder.Forward(_pass, batch, LogitRows.Last, null, to, cancellationToken);
        return logits;
    }

    private static Task<float[]> InTime(Func<float[]> pass) => Task.Run(pass).WaitAsync(Patience);

    private DecoderLayer Layer(int layer) => new(
        Norm(),
        new GroupedQueryAttention(Heads, Heads, HeadSize, new GroupedQueryWeights(Square(), null, Square(), null, Square(), null, Square())),
        Norm(),
        layer == 1 ? new ExpertMixture(layer, new ExpertRouter(Config, Matrix(Experts, Hidden), null), _source, null) : new SwiGlu(FeedForward()));

    private FeedForwardWeights FeedForward() => new(Matrix(Inner, Hidden), new FaultyMatrix(Passes.Normal(_random, Inner, Hidden)), Matrix(Hidden, Inner));

    private FloatMatrix Square() => Matrix(Hidden, Hidden);

    private FloatMatrix Matrix(int rows, int columns) => Passes.Matrix(_random, rows, columns);

    private static RmsNorm Norm() => new(ones(Hidden), 1e-6);
}
