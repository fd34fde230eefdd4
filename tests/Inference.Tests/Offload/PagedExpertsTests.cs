using Deepseek.Inference.Experts;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Tests.Offload;

/// <summary>The cache of experts alone: what it hands out, who leaves, and what it counts.</summary>
public sealed class PagedExpertsTests(NanoStore store)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(NanoStore.Experts)]
    public void Rent_AnySlots_HandsOutTheRightWeights(int slots)
    {
        using var experts = Page(slots);

        foreach (var layer in (int[])[1, 3, 5, 1])
        {
            foreach (var use in Enum.GetValues<ExpertUse>())
                Assert.Equal(Expected(layer, 3, 0, 15, 8), Bytes(experts, layer, use, 3, 0, 15, 8));
        }
    }

    [Fact]
    public void Rent_ExpertInMemory_IsAHitAndReadsNothing()
    {
        SpoiledShards? shards = null;
        using var experts = Page(4, spoil: spoiled => shards = spoiled);
        Use(experts, 1, 0, 1, 2, 3);
        var reads = shards!.Reads;

        Use(experts, 1, 0, 1, 2, 3);

        Assert.Equal(reads, shards.Reads);
        var paging = experts.Statistics;
        Assert.Equal((4, 4, 0.5), (paging.Hits, paging.Misses, paging.HitRate));
        Assert.Equal((4, 4, NanoStore.Experts), (paging.Slots, paging.FilledSlots, paging.Experts));
        Assert.Equal(4 * paging.RecordBytes, paging.DemandedBytes);
        Assert.Equal(0, paging.PrefetchedBytes);
    }

    [Fact]
    public void Rent_FullMemory_LetsTheLeastRecentlyUsedLeave()
    {
        using var experts = Page(3);
        Use(experts, 1, 0, 1, 2);
        Use(experts, 1, 0);
        Use(experts, 2, 5); // expert 1 or 2 of layer 1 leaves

        Use(experts, 1, 0);
        Use(experts, 2, 5);

        Assert.Equal((3, 4), (experts.Statistics.Hits, experts.Statistics.Misses));
    }

    [Fact]
    public void Rent_MissesBesideHits_NeverPushOutWhatTheBatchHolds()
    {
        using var experts = Page(4);
        Use(experts, 1, 0, 1, 2, 3);

        Assert.Equal(Expected(1, 0, 9, 3, 8), Bytes(experts, 1, ExpertUse.Decode, 0, 9, 3, 8));

        Assert.Equal(2, experts.Statistics.Hits);
    }

    [Fact]
    public void Take_PresentExperts_AreNamedBeforeMissingOnesArrive()
    {
        using var release = new ManualResetEventSlim();
        using var experts = Page(4, spoil: shards => shards.Before = (read, _, _) =>
        {
            if (read >= 2)
                release.Wait(Cancellation);
        });
        Use(experts, 1, 4, 7);
        var indices = new int[4];

        using var batch = experts.Rent(NanoStore.Of(1, 1, 4, 6, 7), ExpertUse.Decode, Cancellation);
        var first = batch.Take(indices);
        int[] present = [.. indices.Take(first)];
        release.Set();
        var missing = All(batch, 4);

        Assert.Equal([1, 3], present);
        Assert.Equal([0, 2], missing.Order());
    }

    [Fact]
    public async Task Rent_SlotsThatOthersHold_WaitsForThem()
    {
        using var experts = Page(4);
        var first = experts.Rent(NanoStore.Of(1, 0, 1, 2), ExpertUse.Decode, Cancellation);
        var second = Task.Run(() => Bytes(experts, 2, ExpertUse.Decode, 0, 1), Cancellation);
        var third = Task.Run(() => Bytes(experts, 3, ExpertUse.Decode, 0), Cancellation);

        All(first, 3);
        Assert.False(second.IsCompleted);
        first.Dispose();
        first.Dispose();

        Assert.Equal(Expected(2, 0, 1), await second);
        Assert.Equal(Expected(3, 0), await third);
    }

    [Fact]
    public void Rent_Cancelled_ThrowsAndStaysUsable()
    {
        using var cancelled = new CancellationTokenSource();
        using var experts = Page(3);
        using (experts.Rent(NanoStore.Of(1, 0, 1), ExpertUse.Decode, Cancellation))
        {
            cancelled.CancelAfter(50);
            Assert.Throws<OperationCanceledException>(() => experts.Rent(NanoStore.Of(2, 0, 1), ExpertUse.Decode, cancelled.Token));
        }

        Assert.Equal(Expected(2, 0, 1), Bytes(experts, 2, ExpertUse.Decode, 0, 1));
    }

    [Fact]
    public void Rent_AfterDispose_Throws()
    {
        var experts = Page(3);
        experts.Dispose();
        experts.Dispose();

        Assert.Throws<ObjectDisposedException>(() => experts.Rent(NanoStore.Of(1, 0), ExpertUse.Decode, Cancellation));
    }

    [Fact]
    public void Rent_Prefill_CountsApartAndLeavesFirst()
    {
        using var experts = Page(6);
        Use(experts, 1, 0, 1, 2, 3);
        Bytes(experts, 2, ExpertUse.Prefill, 0, 1, 2, 3, 4, 5, 6, 7);

        Use(experts, 1, 0, 1, 2, 3);

        var paging = experts.Statistics;
        Assert.Equal((8, 0), (paging.PrefillMisses, paging.PrefillHits));
        Assert.True(paging.Hits >= 3, $"Of four experts that tokens had demanded, {paging.Hits} stayed while a prompt's eight streamed by.");
    }

    [Fact]
    public void Prefetch_ExpertsThatAreDemandedNext_AreUsedAndNoHits()
    {
        using var experts = Page(8);
        experts.Prefetch(NanoStore.Of(2, 1, 9));
        WaitFor(() => experts.Statistics.FilledSlots == 2 && experts.Statistics.PrefetchedBytes == 2 * experts.Statistics.RecordBytes);

        Assert.Equal(Expected(2, 1, 9, 10), Bytes(experts, 2, ExpertUse.Decode, 1, 9, 10));

        var paging = experts.Statistics;
        Assert.Equal((0, 3, 2, 2, 1), (paging.Hits, paging.Misses, paging.Prefetches, paging.PrefetchesUsed, paging.PrefetchAccuracy));
        Assert.Equal(2 * paging.RecordBytes, paging.PrefetchesUsedBytes);
        Assert.Equal(paging.RecordBytes, paging.DemandedBytes);
        Assert.Equal(0, paging.PrefetchedInVainBytes);
    }

    [Fact]
    public void Prefetch_NeverDemanded_IsInVainWhenItLeaves()
    {
        using var experts = Page(4);
        experts.Prefetch(NanoStore.Of(2, 1));
        WaitFor(() => experts.Statistics.PrefetchedBytes > 0);

        Use(experts, 1, 0, 1, 2, 3);

        Assert.Equal(experts.Statistics.RecordBytes, experts.Statistics.PrefetchedInVainBytes);
    }

    [Fact]
    public void Prefetch_RecentlyDemandedExperts_AreNotPushedOut()
    {
        using var experts = Page(4);
        Use(experts, 1, 0, 1, 2, 3);

        experts.Prefetch(NanoStore.Of(2, 1, 2));
        Use(experts, 1, 0, 1, 2, 3);

        Assert.Equal((4, 0), (experts.Statistics.Hits, experts.Statistics.Prefetches));
    }

    [Fact]
    public void Prefetch_WhileDemandedOnesAreRead_Waits()
    {
        List<long> offsets = [];
        using var release = new ManualResetEventSlim();
        using var experts = Page(8, readers: 1, spoil: shards => shards.Before = (_, shard, offset) =>
        {
            release.Wait(Cancellation);
            offsets.Add((shard * 1_000_000_000L) + offset);
        });

        experts.Prefetch(NanoStore.Of(2, 15));
        using var batch = experts.Rent(NanoStore.Of(1, 0, 1, 2), ExpertUse.Decode, Cancellation);
        release.Set();
        All(batch, 3);
        experts.Prefetch(NanoStore.Of(2, 14));
        WaitFor(() => experts.Statistics.PrefetchedBytes > 0);

        // What was hinted before the demand is read after it, if at all: the reader was given either first.
        Assert.True(offsets.Count >= 4);
        Assert.Equal(offsets.Skip(1).Take(2).Order(), offsets.Skip(1).Take(2));
    }

    [Fact]
    public void Prefetch_Off_ReadsNothing()
    {
        using var experts = Page(4, prefetch: false);

        experts.Prefetch(NanoStore.Of(2, 1, 2));
        Use(experts, 1, 0);

        Assert.False(experts.TakesHints);
        Assert.Equal((0, 1), (experts.Statistics.Prefetches, experts.Statistics.FilledSlots));
    }

    [Fact]
    public void Since_EarlierStatistics_GivesWhatLiesBetween()
    {
        using var experts = Page(4);
        Use(experts, 1, 0, 1);
        var before = experts.Statistics;

        Use(experts, 1, 0, 2);

        var between = experts.Statistics.Since(before);
        Assert.Equal((1, 1, between.RecordBytes, 4, 3), (between.Hits, between.Misses, between.ReadBytes, between.Slots, between.FilledSlots));
    }

    private PagedExperts Page(int slots, bool prefetch = true, int readers = 3, Action<SpoiledShards>? spoil = null) => store.Page(
        new PagedExpertsOptions { Slots = slots, Prefetch = prefetch, ReadersPerDisk = readers, PieceBytes = 1 << 20 },
        shards =>
        {
            var spoiled = new SpoiledShards(shards);
            spoil?.Invoke(spoiled);
            return spoiled;
        });

    private static void Use(PagedExperts experts, int layer, params int[] which) => _ = Bytes(experts, layer, ExpertUse.Decode, which);

    /// <summary>The first band of every matrix of the experts, in the order of the renting.</summary>
    internal static byte[][] Bytes(PagedExperts experts, int layer, ExpertUse use, params int[] which)
    {
        var bytes = new byte[which.Length][];
        using var batch = experts.Rent(NanoStore.Of(layer, which), use, Cancellation);
        var indices = new int[which.Length];
        while (batch.Take(indices) is var count and > 0)
        {
            foreach (var index in indices.AsSpan(0, count))
            {
                Assert.Null(bytes[index]);
                bytes[index] = Bytes(batch[index]);
            }
        }

        return bytes;
    }

    private static byte[] Bytes(FeedForwardWeights weights) => [.. Band(weights.Gate), .. Band(weights.Up), .. Band(weights.Down)];

    private static byte[] Band(WeightMatrix matrix) => ((BandMatrix)matrix).Band(0).ToArray();

    private byte[][] Expected(int layer, params int[] which)
    {
        using var store1 = Deepseek.Inference.Store.PageStore.Open(store.Folder);
        var run = store1.Manifest.Layout.Experts.Single(run => run.Layer == layer);
        using WeightMemory memory = store1.ReadShard(run.Shard, _ => { }, Cancellation);
        return [.. which.Select(expert => Record(memory, run, store1.Manifest.Layout.Shards[run.Shard].PageOffsets[run.FirstPage + expert]))];
    }

    private static unsafe byte[] Record(WeightMemory memory, Deepseek.Inference.Store.StoredExperts run, long offset)
    {
        var start = memory.Start + offset;
        var record = run.Record;
        return Bytes(new FeedForwardWeights(
            new BandMatrix(record.Inward, record.Gate, start, TorchSharp.torch.CPU),
            new BandMatrix(record.Inward, record.Up, start, TorchSharp.torch.CPU),
            new BandMatrix(record.Outward, record.Down, start, TorchSharp.torch.CPU)));
    }

    private static List<int> All(ExpertBatch batch, int count)
    {
        List<int> all = [];
        var indices = new int[count];
        while (batch.Take(indices) is var named and > 0)
            all.AddRange(indices.Take(named));
        return all;
    }

    internal static void WaitFor(Func<bool> condition) => Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(20)), "What was waited for did not come.");
}
