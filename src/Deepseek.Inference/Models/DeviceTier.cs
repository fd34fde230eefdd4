using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Experts;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Offload;
using Deepseek.Inference.Offload.Devices;
using Deepseek.Inference.Offload.Eviction;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Store;
using static TorchSharp.torch;

namespace Deepseek.Inference.Models;

/// <summary>A store's weights in a device's memory: what every token uses, and slots for experts.</summary>
internal sealed class DeviceTier : IDisposable
{
    private readonly PageStore _store;
    private readonly ModelOptions _options;
    private readonly IDeviceMemory _device;
    private readonly DeviceTables _tables;
    private readonly DeviceMemoryPlan _plan;
    private readonly long? _free;
    private readonly Dictionary<int, DeviceShard> _shards = [];
    private readonly List<nint> _locked = [];
    private DeviceExperts? _experts;

    /// <summary>Divides the device's memory up; nothing is taken yet.</summary>
    /// <param name="store">The store.</param>
    /// <param name="options">How the model is loaded.</param>
    /// <param name="device">The device; this takes ownership.</param>
    /// <exception cref="MemoryBudgetException">It has too little.</exception>
    public DeviceTier(PageStore store, ModelOptions options, IDeviceMemory device)
    {
        (_store, _options, _device, _free) = (store, options, device, device.Reading?.Free);
        _plan = DeviceMemoryPlan.Create(store.Location, store.Manifest.Layout, store.Config, options, _free);
        _tables = new DeviceTables(device.Device);
    }

    /// <summary>A matrix on the device, or one that the host keeps for it.</summary>
    public unsafe WeightMatrix Matrix(StoredTensor tensor, Action<long> arrived, CancellationToken cancellationToken)
    {
        var shard = Shard(tensor.Shard, arrived, cancellationToken);
        if (IsKept(tensor, _store.Config))
            return new BandMatrix(tensor.Layout, (byte*)shard.Kept(tensor), _device.Device) { Name = tensor.Name };
        return new DeviceBandMatrix(_tables.Decoder(tensor.Layout), BandPlacement.Contiguous(tensor.Layout), shard.Memory, shard.OffsetOf(tensor)) { Name = tensor.Name };
    }

    /// <summary>Whether the host keeps a matrix: of an embedding a token reads one row, so it need not take the device's memory.</summary>
    public static bool IsKept(StoredTensor tensor, ModelConfig config) =>
        tensor.Precision is not null && !config.TieWordEmbeddings && tensor.Name.EndsWith("embed_tokens.weight", StringComparison.Ordinal);

    /// <summary>A plain tensor on the device.</summary>
    public Tensor Plain(StoredTensor tensor, Action<long> arrived, CancellationToken cancellationToken)
    {
        using var host = NativeTensor.Over(Shard(tensor.Shard, arrived, cancellationToken).Plain(tensor), tensor.Type.ToScalarType(), [.. tensor.Shape]);
        return host.to(_device.Device, copy: true);
    }

    /// <summary>Locks memory of the host from which experts will be copied.</summary>
    public unsafe void Lock(WeightMemory memory)
    {
        if (_device.TryLock((nint)memory.Start, memory.Length))
            _locked.Add((nint)memory.Start);
        else if (_device.Device.type != TorchSharp.DeviceType.CPU && _options.Logger is { } logger)
            PagingLog.NotLocked(logger, MemorySize.Format(memory.Length));
    }

    /// <summary>Puts slots of the device before a source of the host.</summary>
    /// <exception cref="MemoryBudgetException">The device has no room for a layer's experts.</exception>
    public IExpertSource Place(IReadOnlyList<int> layers, IExpertSource host, Action<long> arrived, CancellationToken cancellationToken)
    {
        // What every token uses comes first: slots have what is left.
        foreach (var shard in MemoryPlan.AlwaysShards(_store.Manifest.Layout, _options))
            _ = Shard(shard, arrived, cancellationToken);

        var pages = new ExpertPages(_store.Manifest, layers);
        var wanted = Math.Min(_plan.Slots, pages.Experts);
        var slots = DeviceSlots.TryTake(_device, pages, _tables, wanted, Math.Min(_plan.Least, wanted), _plan.Cache + _plan.Working, _options.Logger) ?? throw OutOfMemory();
        var paging = _options.Paging;
        var policy = EvictionPolicies.Create(paging.Eviction, pages.Layers.Count, pages.PerLayer, slots.Count, paging.ShareByLayer);
        _experts = new DeviceExperts(host, pages, slots, _device, policy) { Plan = _plan.Statistics, FreeBefore = _free };
        Tell(pages, slots.Count, host);
        return _experts;
    }

    /// <summary>Nothing more will be placed.</summary>
    public void Complete()
    {
        foreach (var shard in _shards.Values)
            shard.Complete();
    }

    public void Dispose()
    {
        _experts?.Dispose();
        foreach (var address in _locked)
            _device.Unlock(address);
        foreach (var shard in _shards.Values)
            shard.Dispose();
        _tables.Dispose();
        _device.Dispose();
    }

    private DeviceShard Shard(int number, Action<long> arrived, CancellationToken cancellationToken)
    {
        if (_shards.TryGetValue(number, out var shard))
            return shard;
        try
        {
            _shards.Add(number, shard = DeviceShard.Load(_store, number, _device, tensor => IsKept(tensor, _store.Config), arrived, cancellationToken));
            return shard;
        }
        catch (Exception e) when (OutOfDeviceMemory.Is(e))
        {
            throw OutOfMemory();
        }
    }

    private MemoryBudgetException OutOfMemory() => _plan.TooLittle(_store.Location, $"the device ran out of memory within a budget of {MemorySize.Format(_plan.Budget)}");

    private void Tell(ExpertPages pages, int slots, IExpertSource host)
    {
        if (_options.Logger is not { } logger)
            return;
        var peak = _plan with { Slots = slots };
        PagingLog.OnDevice(logger, slots, pages.Experts, MemorySize.Format(_plan.Always), MemorySize.Format(peak.Peak));
        if (host is PagedExperts paged && !_experts!.LocksHost && _device.Device.type != TorchSharp.DeviceType.CPU)
            PagingLog.NotLocked(logger, MemorySize.Format(paged.Memory.Length));
    }
}
