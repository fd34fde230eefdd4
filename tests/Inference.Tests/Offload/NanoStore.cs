using Deepseek.Inference.Compute;
using Deepseek.Inference.Experts;
using Deepseek.Inference.Models;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Offload.Eviction;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Offload;
using Deepseek.Inference.Tests.Store;
using static TorchSharp.torch;

[assembly: AssemblyFixture(typeof(NanoStore))]

namespace Deepseek.Inference.Tests.Offload;

/// <summary>The embedded model as a page store: 5 layers of 16 experts, of which a token chooses 4, and a prediction layer. Made once.</summary>
public sealed class NanoStore : IDisposable
{
    public const int Layers = 5;
    public const int PerLayer = 16;
    public const int Chosen = 4;
    public const int Experts = Layers * PerLayer;

    private readonly Lazy<TemporaryFolder> _store = new(() => Task.Run(() => Stores.ConvertAsync(TestPaths.Nano)).GetAwaiter().GetResult());

    private readonly Lazy<string> _bits;

    private readonly Lazy<string> _torchBits;

    public NanoStore()
    {
        _bits = new Lazy<string>(() =>
        {
            using var resident = Task.Run(() => LoadAsync(null)).GetAwaiter().GetResult();
            return PagedModelTests.Bits(resident);
        });
        _torchBits = new Lazy<string>(() =>
        {
            using var resident = Task.Run(() => LoadAsync(null, options => options with { Operations = ComputeOperations.Torch })).GetAwaiter().GetResult();
            return PagedModelTests.Bits(resident, DeviceModelTests.Tokens);
        });
    }

    /// <summary>What the Torch operations compute of 100 tokens with all experts in the host's memory.</summary>
    public string TorchBits => _torchBits.Value;

    public string Folder => _store.Value.Path;

    /// <summary>What the model computes with all experts in memory.</summary>
    public string ResidentBits => _bits.Value;

    /// <summary>The model with so many experts in memory; all of them where null.</summary>
    internal Task<LanguageModel> LoadAsync(int? slots, Func<ModelOptions, ModelOptions>? change = null, PagingOptions? paging = null)
    {
        var options = new ModelOptions { Threads = 2, LoadMultiTokenPrediction = false, Paging = (paging ?? new PagingOptions()) with { Slots = slots, RememberUsage = false } };
        return LanguageModel.LoadAsync(Folder, change?.Invoke(options) ?? options, cancellationToken: TestContext.Current.CancellationToken);
    }

    /// <summary>The cache of experts alone, over shards that a test may spoil.</summary>
    internal PagedExperts Page(PagedExpertsOptions options, Func<IShardReader, IShardReader>? spoil = null, EvictionPolicy eviction = EvictionPolicy.LeastRecentlyUsed)
    {
        using var store = PageStore.Open(Folder);
        var pages = new ExpertPages(store.Manifest, Enumerable.Range(1, Layers));
        IShardReader shards = new DirectShards(Folder, store.Manifest.Layout);
        return new PagedExperts(pages, spoil?.Invoke(shards) ?? shards, EvictionPolicies.Create(eviction, Layers, PerLayer, options.Slots), options, CPU);
    }

    /// <summary>Experts of a layer.</summary>
    internal static ExpertId[] Of(int layer, params int[] experts) => [.. experts.Select(expert => new ExpertId(layer, expert))];

    public void Dispose()
    {
        if (_store.IsValueCreated)
            _store.Value.Dispose();
    }
}
