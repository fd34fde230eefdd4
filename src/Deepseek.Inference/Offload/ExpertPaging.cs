using Deepseek.Inference.Offload.Eviction;
using Deepseek.Inference.Store;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace Deepseek.Inference.Offload;

/// <summary>Puts a cache of experts together: disks, policy, and what earlier runs have left.</summary>
internal static class ExpertPaging
{
    // An expert that was used most in earlier runs begins as if it had been demanded so often.
    private const int MostReplayed = 8;

    /// <summary>Starts to page a store's experts.</summary>
    /// <param name="store">The store.</param>
    /// <param name="layers">Layers that have experts, ascending.</param>
    /// <param name="slots">Experts that memory holds.</param>
    /// <param name="options">How they come and leave.</param>
    /// <param name="logger">Told of what slows paging down; null for nobody.</param>
    /// <param name="device">Where weights are widened to.</param>
    /// <exception cref="Diagnostics.CheckpointFormatException">A shard is missing or cannot be opened.</exception>
    public static PagedExperts Start(PageStore store, IReadOnlyList<int> layers, int slots, PagingOptions options, ILogger? logger, Device device)
    {
        var shards = new DirectShards(store.Location, store.Manifest.Layout);
        if (shards.Indirect is { } file && logger is not null)
            PagingLog.Indirect(logger, file);

        var pages = new ExpertPages(store.Manifest, layers);
        var record = options.RememberUsage ? UsageRecord.Open(store, pages, logger) : null;
        var order = record?.Usage.Order() ?? [];
        var policy = EvictionPolicies.Create(options.Eviction, pages.Layers.Count, pages.PerLayer, slots, options.ShareByLayer);
        if (record is not null)
        {
            Replay(record.Usage, order, policy);
            policy = EvictionPolicies.Pin(policy, record.Usage, slots, options.PinnedShare);
        }

        var experts = new PagedExperts(pages, shards, policy, new PagedExpertsOptions { Slots = slots, Prefetch = options.Prefetch, CachePreference = options.CachePreference, Checksums = options.Checksums }, device)
        {
            Usage = record?.Usage,
            Ended = record is null ? null : _ => record.Save(),
        };
        experts.Warm(order);
        return experts;
    }

    /// <summary>Tells a policy what earlier runs demanded, the least first, in proportion.</summary>
    private static void Replay(ExpertUsage usage, int[] order, IEvictionPolicy policy)
    {
        var most = order.Length > 0 ? usage.Counts[order[0]] : 0;
        foreach (var expert in order.AsEnumerable().Reverse())
        {
            for (var i = (int)Math.Ceiling(MostReplayed * usage.Counts[expert] / most); i > 0; i--)
                policy.Demanded(expert);
        }
    }
}
