using Deepseek.Inference.Experts;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Offload.Devices;
using Deepseek.Inference.Offload.Eviction;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Store;
using static TorchSharp.torch;

namespace Deepseek.Inference.Tests.Offload;

/// <summary>Slots of a device before a cache of the host, without a model.</summary>
public sealed class DeviceExpertsTests(NanoStore store) : IDisposable
{
    private readonly DeviceTables _tables = new(CPU);

    public void Dispose() => _tables.Dispose();

    [Fact]
    public void Take_MoreExpertsThanSlots_NamesEachOnceWithItsWeights()
    {
        using var experts = Create(host: 6, device: 3);
        using var host = store.Page(new PagedExpertsOptions { Slots = NanoStore.PerLayer });
        var ids = NanoStore.Of(2, [.. Enumerable.Range(0, NanoStore.PerLayer)]);
        using var batch = experts.Rent(ids, ExpertUse.Prefill, TestContext.Current.CancellationToken);
        using var expected = host.Rent(ids, ExpertUse.Prefill, TestContext.Current.CancellationToken);
        var (ready, seen) = (new int[ids.Length], new Dictionary<int, float[]>());

        while (batch.Take(ready) is var count and > 0)
        {
            Assert.InRange(count, 1, 3);
            foreach (var index in ready.AsSpan(0, count))
                seen.Add(index, Down(batch[index]));
        }

        while (expected.Take(ready) is var count and > 0)
        {
            foreach (var index in ready.AsSpan(0, count))
                Assert.Equal(Down(expected[index]), seen[index]);
        }

        Assert.Equal(ids.Length, seen.Count);
    }

    [Fact]
    public void Rent_ExpertsThatAreThere_CopiesNothing()
    {
        using var experts = Create(host: 6, device: 4);
        var ids = NanoStore.Of(1, 3, 5, 8);

        Use(experts, ids);
        var before = experts.Statistics;
        Use(experts, ids);

        var since = experts.Statistics.Since(before);
        Assert.Equal((3, 0, 0L), (since.Hits, since.Misses, since.CopiedBytes));
        Assert.Equal((3, 0.5), (experts.Statistics.FilledSlots, experts.Statistics.HitRate));
    }

    [Fact]
    public void Rent_CancelledWhileOthersHoldTheSlots_LeavesThemUsable()
    {
        using var experts = Create(host: 6, device: 2);
        using var cancelled = new CancellationTokenSource();
        using (experts.Rent(NanoStore.Of(1, 0, 1), ExpertUse.Decode, TestContext.Current.CancellationToken))
        {
            cancelled.CancelAfter(TimeSpan.FromMilliseconds(50));

            Assert.ThrowsAny<OperationCanceledException>(() => experts.Rent(NanoStore.Of(1, 2, 3), ExpertUse.Decode, cancelled.Token));
        }

        Use(experts, NanoStore.Of(1, 2, 3));
        Assert.Equal(2, experts.Statistics.FilledSlots);
    }

    [Fact]
    public void Dispose_BatchThatWasNotTaken_FreesItsSlots()
    {
        using var experts = Create(host: 6, device: 2);
        for (var i = 0; i < 5; i++)
            experts.Rent(NanoStore.Of(1, i, i + 1), ExpertUse.Decode, TestContext.Current.CancellationToken).Dispose();

        Use(experts, NanoStore.Of(3, 0, 1));
    }

    [Fact]
    public void Rent_Disposed_Throws()
    {
        var experts = Create(host: 6, device: 2);

        experts.Dispose();
        experts.Dispose();

        Assert.Throws<ObjectDisposedException>(() => experts.Rent(NanoStore.Of(1, 0), ExpertUse.Decode, TestContext.Current.CancellationToken));
    }

    private static void Use(DeviceExperts experts, ExpertId[] ids)
    {
        using var batch = experts.Rent(ids, ExpertUse.Decode, TestContext.Current.CancellationToken);
        var ready = new int[ids.Length];
        var named = 0;
        while (batch.Take(ready) is var count and > 0)
            named += count;
        Assert.Equal(ids.Length, named);
    }

    private static float[] Down(FeedForwardWeights weights)
    {
        using var down = weights.Down.Widen();
        return down.ToArray<float>();
    }

    private DeviceExperts Create(int host, int device)
    {
        using var manifest = PageStore.Open(store.Folder);
        var pages = new ExpertPages(manifest.Manifest, Enumerable.Range(1, NanoStore.Layers));
        var memory = new TorchDeviceMemory(CPU);
        var slots = DeviceSlots.TryTake(memory, pages, _tables, device, least: 1, working: 0, logger: null)!;
        var policy = EvictionPolicies.Create(EvictionPolicy.LeastRecentlyUsed, NanoStore.Layers, NanoStore.PerLayer, slots.Count);
        return new DeviceExperts(store.Page(new PagedExpertsOptions { Slots = host }), pages, slots, memory, policy) { Plan = default };
    }
}
