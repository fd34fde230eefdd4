using Deepseek.Inference.Offload.Eviction;
using Deepseek.Inference.Store;
using static TorchSharp.torch;

namespace Deepseek.Inference.Offload;

/// <summary>Puts a cache of experts together.</summary>
internal static class ExpertPaging
{
    /// <summary>Starts to page a store's experts.</summary>
    /// <param name="store">The store.</param>
    /// <param name="layers">Layers that have experts, ascending.</param>
    /// <param name="shards">The disks; the result takes ownership.</param>
    /// <param name="slots">Experts that memory holds.</param>
    /// <param name="options">How they come and leave.</param>
    /// <param name="device">Where weights are widened to.</param>
    public static PagedExperts Start(PageStore store, IReadOnlyList<int> layers, IShardReader shards, int slots, PagingOptions options, Device device)
    {
        var pages = new ExpertPages(store.Manifest, layers);
        var policy = EvictionPolicies.Create(options.Eviction, pages.Layers.Count, pages.PerLayer, slots, options.ShareByLayer);
        return new PagedExperts(pages, shards, policy, new PagedExpertsOptions { Slots = slots, Prefetch = options.Prefetch, Checksums = options.Checksums }, device);
    }
}
