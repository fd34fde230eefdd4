using Deepseek.Inference.Offload.Eviction;
using Deepseek.Inference.Store;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace Deepseek.Inference.Offload;

/// <summary>Puts a cache of experts together: disks, policy, and what earlier runs have left.</summary>
internal static class ExpertPaging
{
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
        var policy = EvictionPolicies.Create(options.Eviction, pages.Layers.Count, pages.PerLayer, slots, options.ShareByLayer, record?.Usage);
        if (record is not null)
            policy = EvictionPolicies.Pin(policy, record.Usage, slots, options.PinnedShare);

        var experts = new PagedExperts(pages, shards, policy, new PagedExpertsOptions { Slots = slots, Prefetch = options.Prefetch, CachePreference = options.CachePreference, Checksums = options.Checksums }, device)
        {
            Usage = record?.Usage,
            Ended = record is null ? null : record.Save,
        };
        experts.Warm(record?.Usage.Order() ?? []);
        return experts;
    }
}
