using Deepseek.Inference.Experts;
using Deepseek.Inference.Offload.Eviction;

namespace Deepseek.Inference.Offload.Devices;

/// <summary>Some experts in a device's memory, the others copied there from the host when a token demands them.</summary>
/// <remarks>
/// <para>
/// Every expert is computed on the device: what its slots hold decides only whether a copy is needed. One lock guards the table of slots; a batch reserves as many as it may hold at once before it rents anything of the host,
/// so that two never wait for one another.
/// </para>
/// <para>On a GPU unverified: has not run on one.</para>
/// </remarks>
internal sealed partial class DeviceExperts : IExpertSource
{
    // What a prompt holds at once: enough to keep copies and computing busy, few enough that it leaves the memory as it was.
    private const int MostStreamed = 16;

    private readonly object _gate = new(); // a Monitor: batches wait on it
    private readonly IExpertSource _host;
    private readonly PagedExperts? _paged;
    private readonly IDeviceMemory _device;
    private readonly ExpertPages _pages;
    private readonly DeviceSlots _slots;
    private readonly SlotTable _table;
    private readonly long[] _marks; // by slot: when what was computed with it ends
    private readonly Stack<Batch> _idle = new();
    private readonly SlotReservations _reservations;
    private readonly bool _locked;
    private bool _disposed;

    /// <summary>Puts a device's slots before a source of the host.</summary>
    /// <param name="host">Where experts come from; its weights lie in the host's memory. This takes ownership.</param>
    /// <param name="pages">The experts.</param>
    /// <param name="slots">Places on the device; this takes ownership.</param>
    /// <param name="device">The device; it outlives this.</param>
    /// <param name="policy">Who leaves.</param>
    public DeviceExperts(IExpertSource host, ExpertPages pages, DeviceSlots slots, IDeviceMemory device, IEvictionPolicy policy)
    {
        (_host, _paged, _pages, _slots, _device) = (host, host as PagedExperts, pages, slots, device);
        _table = new SlotTable(slots.Count, pages.Count, policy, recent: 0);
        _reservations = new SlotReservations(_gate, slots.Count, Wait);
        _marks = new long[slots.Count];
        _locked = _paged is not null && device.TryLock(_paged.Memory.Start, _paged.Memory.Length);
    }

    /// <summary>Where experts come from.</summary>
    public IExpertSource Host => _host;

    /// <summary>Whether the host's slots are locked in their place.</summary>
    public bool LocksHost => _locked;

    public bool TakesHints => _host.TakesHints;

    public double Preference => _host.Preference;

    public void MarkPresent(int layer, Span<bool> present) => _host.MarkPresent(layer, present);

    public ExpertBatch Rent(ReadOnlySpan<ExpertId> experts, ExpertUse use, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Batch batch;
        lock (_gate)
        {
            RequireOpen();
            batch = _idle.TryPop(out var idle) ? idle : new Batch(this);
            batch.Choose(experts, use, cancellationToken);
            try
            {
                _reservations.Take(batch, batch.Window, cancellationToken);
            }
            catch
            {
                _idle.Push(batch);
                throw;
            }

            batch.Begin();
        }

        try
        {
            batch.RentMissing();
            return batch;
        }
        catch
        {
            batch.Dispose();
            throw;
        }
    }

    public void Prefetch(ReadOnlySpan<ExpertId> experts)
    {
        if (!TakesHints)
            return;

        Span<ExpertId> missing = experts.Length <= 64 ? stackalloc ExpertId[experts.Length] : new ExpertId[experts.Length];
        var count = 0;
        lock (_gate)
        {
            foreach (var expert in experts)
            {
                if (_table.SlotOf(_pages.Number(expert)) < 0)
                    missing[count++] = expert;
            }
        }

        if (count > 0)
            _host.Prefetch(missing[..count]);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            Monitor.PulseAll(_gate);
        }

        if (_locked)
            _device.Unlock(_paged!.Memory.Start);
        _host.Dispose();
        _slots.Dispose();
    }

    private void RequireOpen() => ObjectDisposedException.ThrowIf(_disposed, this);

    /// <summary>Waits until something has changed.</summary>
    private void Wait(CancellationToken cancellationToken)
    {
        const int pollMilliseconds = 20; // a token cannot wake a monitor: so it is asked now and then
        cancellationToken.ThrowIfCancellationRequested();
        RequireOpen();
        _ = Monitor.Wait(_gate, pollMilliseconds);
    }

    /// <summary>Gives an expert a slot and begins to copy it there; what is computed from now on waits for the copy.</summary>
    private int Bring(int expert, nint source, bool cold, out long copy)
    {
        var slot = _table.Place(expert, cold, sparesRecent: false, out _);
        if (slot < 0)
            throw new InvalidOperationException($"No slot of {_table.Count} may be filled; a batch must not hold more than it reserved.");
        try
        {
            copy = _device.Copy(source, _slots.Memory, _slots.OffsetOf(slot), _pages[expert].Length, _marks[slot]);
            _device.Order(copy);
        }
        catch
        {
            _table.Fail(slot, fault: null);
            throw;
        }

        _table[slot].State = SlotState.Ready;
        CountCopy(_pages[expert].Length);
        return slot;
    }
}
