using System.Runtime.InteropServices;
using Deepseek.Inference.Caching;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Models;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Models;
using Deepseek.Inference.Tests.Store;

namespace Deepseek.Inference.Tests.Caching;

/// <summary>Saved caches that are damaged, hostile, or another model's.</summary>
public sealed class SavedCacheFaultTests : IAsyncLifetime
{
    private const string SaveAnew = "run the text again and save anew.";

    private LanguageModel? _model;
    private byte[] _saved = [];

    private LanguageModel Model => _model!;

    public async ValueTask InitializeAsync()
    {
        _model = await Fixture.LoadAsync("v3-fp32");
        using var cache = Model.CreateCache();
        Fixture.Logits(Model, cache, Fixture.Ids(2));
        _saved = SavedCacheTests.Saved(cache);
    }

    public ValueTask DisposeAsync()
    {
        _model?.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public void LoadCache_AnyByteFlipped_IsRefused()
    {
        for (var i = 0; i < _saved.Length; i++)
        {
            foreach (var mask in (byte[])[1, 0x80])
            {
                byte[] damaged = [.. _saved];
                damaged[i] ^= mask;
                Assert.Throws<CacheFormatException>(() => Model.LoadCache(new MemoryStream(damaged)));
            }
        }
    }

    [Fact]
    public void LoadCache_CutShortAnywhere_IsRefused()
    {
        for (var length = 0; length < _saved.Length; length++)
        {
            var part = _saved[..length];
            Assert.Throws<CacheFormatException>(() => Model.LoadCache(new MemoryStream(part)));
            Assert.Throws<CacheFormatException>(() => Model.LoadCache(new OneWayStream(new MemoryStream(part))));
        }
    }

    [Fact]
    public void LoadCache_RandomDamage_IsRefusedOrHarmless()
    {
        var random = new Random(20250120);
        for (var i = 0; i < 2000; i++)
        {
            var damaged = Mutation.Apply(_saved, random);
            if (damaged.AsSpan().StartsWith(_saved))
                continue; // more behind it is not the cache's

            Assert.Throws<CacheFormatException>(() => Model.LoadCache(new OneWayStream(new MemoryStream(damaged))));
        }
    }

    [Fact]
    public void LoadCache_CutShort_SaysByHowMuch()
    {
        var fault = Fault(_saved[..^5]);

        Assert.Equal($"the stream: it ends 5 bytes too early. It was cut short: take another copy, or {SaveAnew}", fault.Message);
        Assert.Equal("the stream", fault.File);
        Assert.Equal(fault.Message, Assert.Throws<CacheFormatException>(() => Model.LoadCache(new OneWayStream(new MemoryStream(_saved[..^5])))).Message);
    }

    [Fact]
    public void LoadCache_AnotherFile_IsToldApart()
    {
        var fault = Fault([.. "{\u0007\"text\": 1}"u8]);

        Assert.Equal("the stream: it begins with \"{\\u0007\"text\"\"; a saved cache begins with \"DSEQCACH\". Give a file that Save has written.", fault.Message);
    }

    [Fact]
    public void LoadCache_AnotherVersion_NamesBoth()
    {
        var fault = Fault([.. _saved[..8], 2, .. _saved[9..]]);

        Assert.Equal($"the stream: the cache is of version 2; this library reads version 1. Use the version of Deepseek.Inference that wrote it, or {SaveAnew}", fault.Message);
    }

    [Fact]
    public void LoadCache_DamagedHeader_NamesBothChecksums()
    {
        var fault = Fault([.. _saved[..20], (byte)(_saved[20] ^ 1), .. _saved[21..]]);

        Assert.Matches($"^the stream: the checksum of the cache's header is [0-9a-f]{{32}}; it must be [0-9a-f]{{32}}. It is damaged: take another copy, or {SaveAnew}$", fault.Message);
    }

    [Fact]
    public void LoadCache_DamagedValues_NamesBothChecksums()
    {
        var fault = Fault([.. _saved[..^20], (byte)(_saved[^20] ^ 1), .. _saved[^19..]]);

        Assert.Matches($"^the stream: the checksum is [0-9a-f]{{32}}; it must be [0-9a-f]{{32}}. It is damaged: take another copy, or {SaveAnew}$", fault.Message);
    }

    [Fact]
    public async Task LoadCache_AnotherModel_NamesBoth()
    {
        using var other = await Fixture.LoadAsync("v3-no-yarn");

        var fault = Assert.Throws<CacheFormatException>(() => other.LoadCache(new MemoryStream(_saved)));

        Assert.Matches("^the stream: the cache is of the model [0-9a-f]{32}; this one is [0-9a-f]{32}. Load the model that it was saved with. Run the text again with this model and save anew.$", fault.Message);
    }

    [Fact]
    public async Task LoadCache_OtherOperations_NamesBoth()
    {
        using var other = await Fixture.LoadAsync("v3-fp32", new ModelOptions { AttentionForm = AttentionForm.Naive });

        var fault = Assert.Throws<CacheFormatException>(() => other.LoadCache(new MemoryStream(_saved)));

        Assert.Equal(
            "the stream: its values were computed by the CPU operations with fp32 activations and absorbed attention; this model computes by the Torch operations on cpu with fp32 activations and naive attention. "
            + "Load the model with the same options. Run the text again with this model and save anew.",
            fault.Message);
    }

    [Fact]
    public async Task LoadCache_StoreWithOtherActivations_IsRefused()
    {
        using var folder = await Stores.ConvertAsync(Fixture.Folder("v3-fp32"));
        using var first = await LanguageModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken);
        using var second = await LanguageModel.LoadAsync(folder.Path, new ModelOptions { Activations = ActivationPrecision.Int8 }, cancellationToken: TestContext.Current.CancellationToken);
        using var cache = first.CreateCache();
        Fixture.Logits(first, cache, Fixture.Ids(2));
        var saved = SavedCacheTests.Saved(cache);

        var settings = Assert.Throws<CacheFormatException>(() => second.LoadCache(new MemoryStream(saved)));
        var weights = Assert.Throws<CacheFormatException>(() => Model.LoadCache(new MemoryStream(saved)));

        Assert.Contains("with int16 activations and absorbed attention; this model computes by the CPU operations with int8 activations", settings.Message, StringComparison.Ordinal);
        Assert.Contains("the cache is of the model ", weights.Message, StringComparison.Ordinal); // a store of a checkpoint is another model
    }

    [Fact]
    public void LoadCache_OtherShape_NamesBoth()
    {
        var header = Header() with { Layers = 9, Width = 1 };

        var fault = Fault(Written(header));

        Assert.Matches(@"^the stream: it states 9 layers with rows of 1 values; this model's caches have \d+ with \d+. Run the text again with this model and save anew.$", fault.Message);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(11)]
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    public void LoadCache_LengthThatCannotBe_IsNamed(int length)
    {
        var fault = Fault(Written(Header() with { Length = length, Options = Header().Options with { MaxLength = 10 } }));

        Assert.Equal($"the stream: it states {length} tokens; it must be 0 to 10, the most that it may hold. Run the text again with this model and save anew.", fault.Message);
    }

    [Fact]
    public void LoadCache_LengthWithoutValues_EndsBeforeMemoryIsTaken()
    {
        var hostile = Written(Header() with { Length = Model.Config.MaxPositions });

        Assert.Contains("bytes too early", Fault(hostile).Message, StringComparison.Ordinal);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<CacheFormatException>(() => Model.LoadCache(new OneWayStream(new MemoryStream(hostile))));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Fact]
    public void LoadCache_OptionsThatCannotBe_AreNamed()
    {
        var options = new CacheOptions { Precision = (CachePrecision)9, MaxLength = 1 << 30, Window = new(-1, -2) };

        var fault = Fault(Written(Header() with { Options = options }));

        Assert.Equal(
            $"the stream: its options are at fault. CacheOptions: Precision is 9; it must be Float32, BFloat16, Float16 or Int16. MaxLength is 1073741824; it must be 1 to {Model.Config.MaxPositions}, the positions that the model was made for. "
            + "Window.Recent is -1; it must be at least 1, since a token sees itself. Window.Sink is -2; it must be 0 or more. It is damaged: take another copy, or " + SaveAnew,
            fault.Message);
    }

    [Fact]
    public void LoadCache_TokenBeyondTheVocabulary_IsNamed()
    {
        var fault = Fault([.. Written(Header() with { Length = 2 }), .. MemoryMarshal.AsBytes<int>([5, 256]), .. new byte[100_000]]);

        Assert.Equal($"the stream: token 1 is 256; the vocabulary has 0 to 255. It is damaged: take another copy, or {SaveAnew}", fault.Message);
    }

    [Fact]
    public void LoadCache_File_IsNamed()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder.File("cache"), _saved[..4]);
        using var file = File.OpenRead(folder.File("cache"));

        var fault = Assert.Throws<CacheFormatException>(() => Model.LoadCache(file));

        Assert.StartsWith($"{folder.File("cache")}: it ends 4 bytes too early.", fault.Message, StringComparison.Ordinal);
        Assert.Equal(folder.File("cache"), fault.File);
    }

    private CacheHeader Header() => CacheHeader.Read(new ChecksumStream(new MemoryStream(_saved)));

    private static byte[] Written(CacheHeader header)
    {
        using MemoryStream stream = new();
        header.Write(new ChecksumStream(stream));
        return stream.ToArray();
    }

    private CacheFormatException Fault(byte[] bytes) => Assert.Throws<CacheFormatException>(() => Model.LoadCache(new MemoryStream(bytes)));
}
