using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Models;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Tests.Checkpoints;

namespace Deepseek.Inference.Tests.Offload;

/// <summary>No setting of memory changes a bit: paged models against resident ones.</summary>
public sealed class PagedModelTests(NanoStore store)
{
    private const int Tokens = 200;

    public static MatrixTheoryData<int, bool> Budgets => new([NanoStore.Experts, NanoStore.Experts / 2, NanoStore.Experts / 5, NanoStore.Chosen, 1], [true, false]);

    [Theory, MemberData(nameof(Budgets))]
    public async Task Forward_AnyBudget_GivesTheBitsOfResidentExperts(int slots, bool prefetch)
    {
        using var paged = await store.LoadAsync(slots, paging: new PagingOptions { Prefetch = prefetch });

        Assert.Equal(store.ResidentBits, Bits(paged));
        Assert.Equal(slots, paged.Paging!.Value.Slots);
        if (slots < NanoStore.Experts)
            Assert.True(paged.Paging.Value.Misses > 0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public async Task Forward_AnyThreads_GivesTheBitsOfResidentExperts(int threads)
    {
        using var paged = await store.LoadAsync(NanoStore.Chosen, options => options with { Threads = threads });

        Assert.Equal(store.ResidentBits, Bits(paged));
    }

    [Theory]
    [InlineData(EvictionPolicy.LeastRecentlyUsed, false)]
    [InlineData(EvictionPolicy.SegmentedLeastRecentlyUsed, true)]
    [InlineData(EvictionPolicy.LeastFrequentlyUsed, true)]
    [InlineData(EvictionPolicy.LeastStale, false)]
    public async Task Forward_AnyPolicy_GivesTheBitsOfResidentExperts(EvictionPolicy eviction, bool shareByLayer)
    {
        using var paged = await store.LoadAsync(12, paging: new PagingOptions { Eviction = eviction, ShareByLayer = shareByLayer });

        Assert.Equal(store.ResidentBits, Bits(paged));
    }

    [Fact]
    public async Task Paging_ExpertsThatAllFit_IsNull()
    {
        using var model = await store.LoadAsync(null);

        Assert.Null(model.Paging);
    }

    [Fact]
    public async Task Forward_TorchOperations_PagesToo()
    {
        using var resident = await store.LoadAsync(null, options => options with { Operations = ComputeOperations.Torch });
        using var paged = await store.LoadAsync(5, options => options with { Operations = ComputeOperations.Torch });

        Assert.Equal(Bits(resident, tokens: 30), Bits(paged, tokens: 30));
        Assert.True(paged.Paging!.Value.Misses > 0);
    }

    [Fact]
    public async Task Forward_SynthesizedModelOfOtherShape_GivesTheBitsOfResidentExperts()
    {
        using var folder = new TemporaryFolder();
        await SmallModel.SynthesizeAsync(folder.Path);
        var options = new ModelOptions { Threads = 2, Paging = new PagingOptions { RememberUsage = false } };
        using var resident = await LanguageModel.LoadAsync(folder.Path, options, cancellationToken: TestContext.Current.CancellationToken);

        foreach (var slots in (int[])[SmallModel.Experts, SmallModel.Experts / 2, SmallModel.Experts / 5, SmallModel.Chosen])
        {
            using var paged = await LanguageModel.LoadAsync(folder.Path, options with { Paging = options.Paging with { Slots = slots } }, cancellationToken: TestContext.Current.CancellationToken);

            Assert.Equal(Bits(resident), Bits(paged));
        }
    }

    [Fact]
    public async Task Forward_BatchOfMoreExpertsThanSlots_GivesTheBitsOfResidentExperts()
    {
        using var resident = await store.LoadAsync(null);
        using var paged = await store.LoadAsync(3);

        Assert.Equal(BatchBits(resident), BatchBits(paged));
    }

    [Fact]
    public async Task Forward_TwoModelsOverOneStore_BothGiveTheBits()
    {
        using var one = await store.LoadAsync(7);
        using var other = await store.LoadAsync(20);

        var both = await Task.WhenAll(Task.Run(() => Bits(one), TestContext.Current.CancellationToken), Task.Run(() => Bits(other), TestContext.Current.CancellationToken));

        Assert.Equal([store.ResidentBits, store.ResidentBits], both);
    }

    [Fact]
    public async Task Forward_Prefill_StreamsEachExpertOnceAndLeavesTheStatisticsAlone()
    {
        using var model = await store.LoadAsync(NanoStore.Experts / 5);
        using var cache = model.CreateCache();

        model.Forward(Ids(model, 400), cache, cancellationToken: TestContext.Current.CancellationToken).Dispose();

        var paging = model.Paging!.Value;
        Assert.Equal((0, 0), (paging.Hits, paging.Misses));
        Assert.InRange(paging.PrefillMisses, NanoStore.Experts / 2, NanoStore.Experts);
        Assert.Equal(paging.PrefillMisses * paging.RecordBytes, paging.DemandedBytes);
    }

    [Fact]
    public async Task Prediction_PagedExperts_GivesTheBitsOfResidentOnes()
    {
        using var resident = (DeepseekModel)await store.LoadAsync(null, options => options with { LoadMultiTokenPrediction = true });
        using var paged = (DeepseekModel)await store.LoadAsync(6, options => options with { LoadMultiTokenPrediction = true });

        Assert.Equal(Predicted(resident), Predicted(paged));
    }

    /// <summary>A hash of the logits of a text that is prefilled, and of one that is decoded token by token.</summary>
    internal static string Bits(LanguageModel model, int tokens = Tokens)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var ids = Ids(model, tokens);
        using (var cache = model.CreateCache())
        {
            using var logits = model.Forward(ids, cache, LogitRows.All, cancellationToken: TestContext.Current.CancellationToken);
            hash.AppendData(MemoryMarshal.AsBytes<float>(logits.data<float>().ToArray()));
        }

        using (var cache = model.CreateCache())
        {
            for (var i = 0; i < ids.Length; i++)
            {
                using var logits = model.Forward(ids.AsMemory(i, 1), cache, cancellationToken: TestContext.Current.CancellationToken);
                hash.AppendData(MemoryMarshal.AsBytes<float>(logits.data<float>().ToArray()));
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    internal static int[] Ids(LanguageModel model, int count)
    {
        var random = new Random(20261128);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(model.Config.VocabularySize))];
    }

    private static float[] BatchBits(LanguageModel model)
    {
        var ids = Ids(model, 8);
        var caches = ids.Select(_ => model.CreateCache()).ToList();
        using var logits = model.Forward([.. ids.Select((id, i) => new SequenceInput(new[] { id, id + 1 }, caches[i]))], TestContext.Current.CancellationToken);
        caches.ForEach(cache => cache.Dispose());
        return logits.data<float>().ToArray();
    }

    internal static float[] Predicted(DeepseekModel model)
    {
        using var cache = model.CreateCache();
        var trace = new ForwardTrace();
        var ids = Ids(model, 20);
        model.Forward(ids, cache, LogitRows.All, trace, TestContext.Current.CancellationToken).Dispose();
        using var ahead = model.CreatePredictionCache();
        using var logits = model.PredictAfterNext(ids.AsMemory(1), trace.Hidden[model.Config.LayerCount].Take(19 * model.Config.HiddenSize).ToArray(), ahead, cancellationToken: TestContext.Current.CancellationToken);
        return logits.data<float>().ToArray();
    }
}
