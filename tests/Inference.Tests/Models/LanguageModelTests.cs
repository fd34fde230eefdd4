using Deepseek.Inference.Caching;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Models;
using Deepseek.Inference.Quantization;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Models;

public sealed class LanguageModelTests
{
    /// <summary>What may compute on a CPU.</summary>
    public static TheoryData<ComputeOperations> Operations => [ComputeOperations.Cpu, ComputeOperations.Torch];

    [Theory]
    [InlineData("v3-bf16")]
    [InlineData("distill-qwen2")]
    public async Task Forward_BadInput_IsNamedAndChangesNothing(string name)
    {
        using var model = await Fixture.LoadAsync(name);
        using var other = await Fixture.LoadAsync(name);
        using var cache = model.CreateCache(new CacheOptions { MaxLength = 8 });
        using var foreign = other.CreateCache();
        Fixture.Logits(model, cache, [1, 2, 3]);

        var empty = Assert.Throws<ArgumentException>(() => model.Forward(Array.Empty<int>(), cache));
        var high = Assert.Throws<ArgumentOutOfRangeException>(() => model.Forward(new[] { 7, 256 }, cache));
        var negative = Assert.Throws<ArgumentOutOfRangeException>(() => model.Forward(new[] { -1 }, cache));
        var owner = Assert.Throws<ArgumentException>(() => model.Forward(new[] { 1 }, foreign));
        var full = Assert.Throws<ArgumentException>(() => model.Forward(new int[6], cache));
        Assert.Throws<ArgumentNullException>(() => model.Forward(new[] { 1 }, null!));

        Assert.Equal("There are no tokens; a pass needs at least one. (Parameter 'ids')", empty.Message);
        Assert.StartsWith("Token 1 is 256; the vocabulary has 0 to 255. (Parameter 'ids')", high.Message, StringComparison.Ordinal);
        Assert.StartsWith("Token 0 is -1; the vocabulary has 0 to 255. (Parameter 'ids')", negative.Message, StringComparison.Ordinal);
        Assert.Equal("The cache was made by another model, or for another layer; make one with this model's CreateCache. (Parameter 'cache')", owner.Message);
        Assert.StartsWith("6 tokens do not fit: the cache holds 3 of at most 8.", full.Message, StringComparison.Ordinal);
        Assert.Equal([1, 2, 3], cache.Ids);
    }

    [Fact]
    public async Task Forward_BadBatch_IsNamedAndChangesNothing()
    {
        using var model = await Fixture.LoadAsync("v3-bf16");
        using var cache = model.CreateCache();
        using var second = model.CreateCache();

        var empty = Assert.Throws<ArgumentException>(() => model.Forward(Array.Empty<SequenceInput>()));
        var twice = Assert.Throws<ArgumentException>(() => model.Forward([new(new[] { 1 }, cache), new(new[] { 2 }, cache)]));
        var without = Assert.Throws<ArgumentException>(() => model.Forward([new(new[] { 1 }, cache), default]));
        var high = Assert.Throws<ArgumentOutOfRangeException>(() => model.Forward([new(new[] { 1 }, cache), new(new[] { 999 }, second)]));
        Assert.Throws<ArgumentNullException>(() => model.Forward(null!));

        Assert.Equal("The batch has no sequences; it needs at least one. (Parameter 'batch')", empty.Message);
        Assert.Equal("A cache occurs twice in the batch; every sequence needs a cache of its own. (Parameter 'batch')", twice.Message);
        Assert.Equal("Sequence 1 of the batch has no cache; make one with the model's CreateCache. (Parameter 'batch')", without.Message);
        Assert.Equal(999, high.ActualValue);
        Assert.Equal((0, 0), (cache.Length, second.Length));
    }

    [Fact]
    public async Task CreateCache_FaultyOptions_AreNamed()
    {
        using var model = await Fixture.LoadAsync("v3-bf16");

        var fault = Assert.Throws<ArgumentException>(() => model.CreateCache(new CacheOptions { MaxLength = 4097 }));

        Assert.Equal("CacheOptions: MaxLength is 4097; it must be 1 to 4096, the positions that the model was made for.", fault.Message);
    }

    [Theory]
    [InlineData("v3-bf16", ComputeOperations.Cpu)]
    [InlineData("v3-bf16", ComputeOperations.Torch)]
    [InlineData("distill-llama", ComputeOperations.Cpu)]
    [InlineData("distill-llama", ComputeOperations.Torch)]
    public async Task Forward_CancelledBetweenLayers_LeavesTheCacheAsItWas(string name, ComputeOperations operations)
    {
        using var model = await Fixture.LoadAsync(name, new ModelOptions { ChunkSize = 16, Operations = operations });
        using var cache = model.CreateCache();
        using var undisturbed = model.CreateCache();
        var (before, ids) = (Fixture.Ids(20), Fixture.Ids(50, seed: 2));
        Fixture.Logits(model, cache, before);
        Fixture.Logits(model, undisturbed, before);

        foreach (var pass in new[] { 1, 2, 4, 5 }) // the layer's output: in the first chunk, and in the third
        {
            using var cancellation = new CancellationTokenSource();
            var observer = new Acting(pass <= 2 ? pass : pass + (2 * model.Config.LayerCount), cancellation.Cancel);

            Assert.ThrowsAny<OperationCanceledException>(() => model.Observe(ids, cache, LogitRows.Last, observer, cancellation.Token));

            Assert.Equal(before, cache.Ids);
        }

        Fixture.AssertSameBits(Fixture.Logits(model, undisturbed, ids), Fixture.Logits(model, cache, ids));
    }

    [Theory, MemberData(nameof(Operations))]
    public async Task Forward_FailingWithin_SurfacesTheErrorAndLeavesTheCache(ComputeOperations operations)
    {
        using var model = await Fixture.LoadAsync("v3-bf16", new ModelOptions { Operations = operations });
        using var cache = model.CreateCache();
        Fixture.Logits(model, cache, [5]);

        var fault = Assert.Throws<IOException>(() => model.Observe(Fixture.Ids(9), cache, LogitRows.Last, new Acting(2, () => throw new IOException("the disk")), CancellationToken.None));

        Assert.Equal("the disk", fault.Message);
        Assert.Equal([5], cache.Ids);
    }

    [Theory, MemberData(nameof(Operations))]
    public async Task Forward_CancelledBatch_LeavesEveryCacheAsItWas(ComputeOperations operations)
    {
        using var model = await Fixture.LoadAsync("v3-bf16", new ModelOptions { Operations = operations });
        using var first = model.CreateCache();
        using var second = model.CreateCache();
        Fixture.Logits(model, first, [5, 6]);

        Assert.ThrowsAny<OperationCanceledException>(() => model.Forward([new(new[] { 1 }, first), new(new[] { 2, 3 }, second)], new CancellationToken(canceled: true)));

        Assert.Equal([5, 6], first.Ids);
        Assert.Empty(second.Ids);
    }

    [Theory, MemberData(nameof(Operations))]
    public async Task Forward_SeveralThreads_GiveTheBitsOfEachAlone(ComputeOperations operations)
    {
        using var model = await Fixture.LoadAsync("v3-fp8", new ModelOptions { Operations = operations, Threads = 2 }); // libtorch sums by threads, and a thread of the pool may have another number of them
        var texts = Enumerable.Range(0, 8).Select(seed => Fixture.Ids(30 + (5 * seed), seed)).ToArray();
        var alone = texts.Select(text => Decode(model, text)).ToArray();

        var together = new float[texts.Length][];
        await Task.WhenAll(texts.Select((text, i) => Task.Run(() => together[i] = Decode(model, text))));

        Assert.All(alone.Zip(together), pair => Fixture.AssertSameBits(pair.First, pair.Second));
    }

    [Theory, MemberData(nameof(Operations))]
    public async Task Copy_Continued_DivergesIndependently(ComputeOperations operations)
    {
        using var model = await Fixture.LoadAsync("v3-bf16", new ModelOptions { Operations = operations });
        using var cache = model.CreateCache();
        int[] text = [.. Fixture.Ids(20)];
        Fixture.Logits(model, cache, text);
        using var copy = cache.Copy();

        var (one, two) = (Fixture.Logits(model, cache, [7, 8]), Fixture.Logits(model, copy, [9, 10]));
        cache.Truncate(20);
        var again = Fixture.Logits(model, cache, [9, 10]);

        Assert.NotEqual(one, two);
        Fixture.AssertSameBits(two, again);
        Assert.Equal([.. text, 9, 10], copy.Ids);
    }

    [Theory, MemberData(nameof(Operations))]
    public async Task Dispose_WhileAPassRuns_WaitsForIt(ComputeOperations operations)
    {
        var expected = await AllLogits(operations);
        using var entered = new ManualResetEventSlim();
        using var disposed = new ManualResetEventSlim();
        var model = await Fixture.LoadAsync("v3-fp8", new ModelOptions { Operations = operations, Threads = 2 }); // as in a test above: the pass runs in a thread of the pool
        using var cache = model.CreateCache();
        var observer = new Acting(1, () =>
        {
            entered.Set();
            Assert.True(disposed.Wait(TimeSpan.FromSeconds(30)));
        });

        var pass = Task.Run(() =>
        {
            using var logits = model.Observe(Fixture.Ids(40), cache, LogitRows.Last, observer, CancellationToken.None);
            return logits.ToArray<float>();
        });
        entered.Wait(TestContext.Current.CancellationToken);
        model.Dispose();
        var refused = Assert.Throws<ObjectDisposedException>(() => model.CreateCache());
        disposed.Set();

        Fixture.AssertSameBits(expected, await pass);
        Assert.Equal(typeof(DeepseekModel).FullName, refused.ObjectName);

        static async Task<float[]> AllLogits(ComputeOperations operations)
        {
            using var model = await Fixture.LoadAsync("v3-fp8", new ModelOptions { Operations = operations, Threads = 2 });
            using var cache = model.CreateCache();
            using var logits = model.Observe(Fixture.Ids(40), cache, LogitRows.Last, new Acting(-1, () => { }), CancellationToken.None);
            return logits.ToArray<float>();
        }
    }

    [Fact]
    public async Task Dispose_ThenAnyUse_IsRefused()
    {
        var model = await DeepseekModel.LoadAsync(Fixture.Folder("v3-mtp"), cancellationToken: TestContext.Current.CancellationToken);
        using var cache = model.CreateCache();
        using var predictionCache = model.CreatePredictionCache();

        model.Dispose();
        model.Dispose();

        Assert.Throws<ObjectDisposedException>(() => model.Forward(new[] { 1 }, cache));
        Assert.Throws<ObjectDisposedException>(() => model.Forward([new(new[] { 1 }, cache)]));
        Assert.Throws<ObjectDisposedException>(() => model.CreateCache());
        Assert.Throws<ObjectDisposedException>(() => model.CreatePredictionCache());
        Assert.Throws<ObjectDisposedException>(() => model.PredictAfterNext(new[] { 1 }, new float[64], predictionCache));
    }

    [Fact]
    public async Task Forward_DisposedCache_IsRefused()
    {
        using var model = await Fixture.LoadAsync("v3-bf16");
        var cache = model.CreateCache();
        cache.Dispose();

        Assert.Throws<ObjectDisposedException>(() => model.Forward(new[] { 1 }, cache));
    }

    [Theory, MemberData(nameof(Operations))]
    public async Task Forward_InsideACallersScope_LeavesOnlyItsResultThere(ComputeOperations operations)
    {
        using var model = await Fixture.LoadAsync("v3-bf16", new ModelOptions { Operations = operations });
        using var cache = model.CreateCache();

        using (var scope = NewDisposeScope())
        {
            model.Forward(Fixture.Ids(300), cache);
            Assert.Equal(1, scope.DisposablesCount);
        }

        Assert.Equal(256, Fixture.Logits(model, cache, [1]).Length); // the cache outlived the scope
    }

    [Fact]
    public async Task PredictAfterNext_BadInput_IsNamedAndChangesNothing()
    {
        using var model = await DeepseekModel.LoadAsync(Fixture.Folder("v3-mtp"), cancellationToken: TestContext.Current.CancellationToken);
        using var main = model.CreateCache();
        using var cache = model.CreatePredictionCache(new CacheOptions { MaxLength = 2 });

        var width = Assert.Throws<ArgumentException>(() => model.PredictAfterNext(new[] { 1, 2 }, new float[64], cache));
        var owner = Assert.Throws<ArgumentException>(() => model.PredictAfterNext(new[] { 1 }, new float[64], main));
        var full = Assert.Throws<ArgumentException>(() => model.PredictAfterNext(new int[3], new float[3 * 64], cache));
        Assert.Throws<ArgumentException>(() => model.PredictAfterNext(Array.Empty<int>(), Array.Empty<float>(), cache));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.PredictAfterNext(new[] { 256 }, new float[64], cache));
        Assert.ThrowsAny<OperationCanceledException>(() => model.PredictAfterNext(new[] { 1 }, new float[64], cache, cancellationToken: new CancellationToken(canceled: true)));
        Assert.Throws<ArgumentException>(() => model.Forward(new[] { 1 }, cache));

        Assert.Equal("There are 64 values of hidden states; 2 tokens of width 64 need 128. (Parameter 'hidden')", width.Message);
        Assert.Equal("The cache was made by another model, or for another layer; make one with this model's CreateCache. (Parameter 'cache')", owner.Message);
        Assert.StartsWith("3 tokens do not fit: the cache holds 0 of at most 2.", full.Message, StringComparison.Ordinal);
        Assert.Equal(0, cache.Length);
    }

    [Theory, MemberData(nameof(Operations))]
    public async Task Forward_Trace_HoldsEveryLayerAndAppends(ComputeOperations operations)
    {
        using var model = await Fixture.LoadAsync("v3-bf16", new ModelOptions { Operations = operations });
        using var cache = model.CreateCache();
        var trace = new ForwardTrace();

        using (model.Forward(new[] { 1, 2, 3 }, cache, trace: trace))
        using (model.Forward(new[] { 4 }, cache, trace: trace))
        {
        }

        Assert.Equal([0, 1, 2, 3], trace.Hidden.Keys);
        Assert.All(trace.Hidden.Values, states => Assert.Equal(4 * 64, states.Count));
        Assert.Equal([1, 2], trace.Experts.Keys);
        Assert.All(trace.Experts.Values, experts => Assert.Equal(4 * 4, experts.Count));
        Assert.All(trace.ExpertWeights.Values, weights => Assert.All(weights.Chunk(4), token => Assert.Equal(2.5, token.Sum(), 1e-5)));
    }

    private static float[] Decode(LanguageModel model, int[] ids)
    {
        using var cache = model.CreateCache();
        return [.. Fixture.Logits(model, cache, ids[..^5]), .. ids[^5..].SelectMany(id => Fixture.Logits(model, cache, [id]))];
    }

    /// <summary>Does something when the pass has produced its n-th hidden state, from 0.</summary>
    private sealed class Acting(int at, Action act) : IForwardObserver
    {
        private int _seen;

        public void OnHidden(int index, Tensor hidden)
        {
            if (_seen++ == at)
                act();
        }

        public void OnRouting(int layer, Routing routing)
        {
        }
    }
}
