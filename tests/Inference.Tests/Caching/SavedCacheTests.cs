using Deepseek.Inference.Caching;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Models;
using Deepseek.Inference.Tests.Layers;
using Deepseek.Inference.Tests.Models;
using Deepseek.Inference.Tests.Offload;

namespace Deepseek.Inference.Tests.Caching;

public sealed class SavedCacheTests(Nano nano, NanoStore store)
{
    public static TheoryData<CachePrecision> Precisions => [CachePrecision.Float32, CachePrecision.BFloat16, CachePrecision.Float16, CachePrecision.Int16];

    [Theory, MemberData(nameof(Precisions))]
    public void LoadCache_LatentCacheOfACheckpoint_ContinuesWithTheSameBits(CachePrecision precision) =>
        AssertContinues(nano.Model, new CacheOptions { Precision = precision });

    [Fact]
    public async Task LoadCache_StoreWithWholeNumbers_ContinuesWithTheSameBits()
    {
        using var model = await store.LoadAsync(null);

        var loaded = AssertContinues(model, null);

        Assert.Equal(CachePrecision.Int16, loaded.Precision);
    }

    [Theory]
    [InlineData("distill-qwen2", CachePrecision.Float32)]
    [InlineData("distill-llama", CachePrecision.BFloat16)]
    public async Task LoadCache_DenseModel_ContinuesWithTheSameBits(string fixture, CachePrecision precision)
    {
        using var model = await Fixture.LoadAsync(fixture);

        AssertContinues(model, new CacheOptions { Precision = precision, MaxLength = 64 });
    }

    [Fact]
    public async Task LoadCache_TorchOperations_ContinueWithTheSameBits()
    {
        using var model = await Fixture.LoadAsync("v3-fp32", new ModelOptions { Operations = ComputeOperations.Torch, Threads = 1 });

        AssertContinues(model, null);
    }

    [Fact]
    public void LoadCache_WindowAndMaxLength_AreKept()
    {
        var options = AssertContinues(nano.Model, new CacheOptions { MaxLength = 300, Window = new AttentionWindow(5, 2) });

        Assert.Equal((300, new AttentionWindow(5, 2)), (options.MaxLength!.Value, options.Window));
    }

    [Fact]
    public async Task LoadCache_OtherThreadsAndChunks_AreTheSameModel()
    {
        using var first = await Fixture.LoadAsync("v3-fp32", new ModelOptions { Threads = 1, ChunkSize = 4 });
        using var second = await Fixture.LoadAsync("v3-fp32", new ModelOptions { Threads = 2, LoadMultiTokenPrediction = false });
        using var cache = first.CreateCache();
        Fixture.Logits(first, cache, Fixture.Ids(9));

        using var loaded = second.LoadCache(new MemoryStream(Saved(cache)));

        Fixture.AssertSameBits(Fixture.Logits(first, cache, [7]), Fixture.Logits(second, loaded, [7]));
    }

    [Fact]
    public void LoadCache_EmptyCache_IsEmpty()
    {
        using var cache = nano.Model.CreateCache(new CacheOptions { MaxLength = 10 });

        using var loaded = nano.Model.LoadCache(new MemoryStream(Saved(cache)));

        Assert.Equal((0, 10, 0L), (loaded.Length, loaded.MaxLength, loaded.ByteSize));
    }

    [Fact]
    public void LoadCache_CutBackCache_HoldsWhatWasKept()
    {
        using var cache = nano.Model.CreateCache();
        Fixture.Logits(nano.Model, cache, Fixture.Ids(20));
        cache.Truncate(7);

        using var loaded = nano.Model.LoadCache(new MemoryStream(Saved(cache)));

        Assert.Equal(cache.Ids, loaded.Ids);
        Fixture.AssertSameBits(Fixture.Logits(nano.Model, cache, [3]), Fixture.Logits(nano.Model, loaded, [3]));
    }

    [Fact]
    public void LoadCache_StreamWithMoreBehind_ReadsNoFurther()
    {
        using var cache = nano.Model.CreateCache();
        Fixture.Logits(nano.Model, cache, Fixture.Ids(3));
        using MemoryStream stream = new();
        cache.Save(stream);
        cache.Save(stream);
        stream.Position = 0;

        using var first = nano.Model.LoadCache(new OneWayStream(stream));
        using var second = nano.Model.LoadCache(new OneWayStream(stream));

        Assert.Equal(cache.Ids, second.Ids);
        Assert.Equal(stream.Length, stream.Position);
    }

    [Fact]
    public void Save_SameCache_GivesTheSameBytes()
    {
        using var cache = nano.Model.CreateCache();
        Fixture.Logits(nano.Model, cache, Fixture.Ids(5));
        using var loaded = nano.Model.LoadCache(new MemoryStream(Saved(cache)));

        Assert.Equal(Saved(cache), Saved(loaded));
    }

    [Fact]
    public async Task Save_PredictionCache_IsRefused()
    {
        using var model = await DeepseekModel.LoadAsync(Fixture.Folder("v3-mtp"), cancellationToken: TestContext.Current.CancellationToken);
        using var cache = model.CreatePredictionCache();

        var fault = Assert.Throws<InvalidOperationException>(() => cache.Save(Stream.Null));

        Assert.Equal("The cache is that of a multi-token-prediction layer, which is not saved; save the model's cache, and make this one anew from its hidden states.", fault.Message);
    }

    [Fact]
    public async Task SaveAndLoadCache_DisposedOrNull_AreRefused()
    {
        var model = await Fixture.LoadAsync("v3-fp32");
        var cache = model.CreateCache();
        Assert.Throws<ArgumentNullException>(() => cache.Save(null!));
        Assert.Throws<ArgumentNullException>(() => model.LoadCache(null!));

        model.Dispose();

        Assert.Throws<ObjectDisposedException>(() => cache.Save(Stream.Null));
        Assert.Throws<ObjectDisposedException>(() => model.LoadCache(Stream.Null));
        cache.Dispose();
        Assert.Throws<ObjectDisposedException>(() => cache.Save(Stream.Null));
        using var orphan = Passes.Cache();
        Assert.Throws<InvalidOperationException>(() => orphan.Save(Stream.Null));
    }

    internal static byte[] Saved(SequenceCache cache)
    {
        using MemoryStream stream = new();
        cache.Save(stream);
        return stream.ToArray();
    }

    /// <summary>Saves a cache between two passes; what follows is the same to the bit, token by token and in the rows that are stored.</summary>
    private static CacheOptions AssertContinues(LanguageModel model, CacheOptions? options)
    {
        using var cache = model.CreateCache(options);
        Fixture.Logits(model, cache, Fixture.Ids(21, seed: 3));
        var saved = Saved(cache);

        using var loaded = model.LoadCache(new MemoryStream(saved));

        Assert.Equal(cache.GetType(), loaded.GetType());
        Assert.Equal(cache.Ids, loaded.Ids);
        Assert.Equal(cache.MaxLength, loaded.MaxLength);
        foreach (var id in Fixture.Ids(4, seed: 4))
            Fixture.AssertSameBits(Fixture.Logits(model, cache, [id]), Fixture.Logits(model, loaded, [id]));
        Assert.Equal(Saved(cache), Saved(loaded));
        return loaded.Options;
    }
}

/// <summary>A stream that neither knows its length nor goes back, as those of a network.</summary>
internal sealed class OneWayStream(Stream inner) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, Math.Min(count, 1000)); // in small pieces

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
