using Deepseek.Inference.Experts;
using Deepseek.Inference.Offload.Eviction;
using Deepseek.Inference.Store;
using static TorchSharp.torch;

namespace Deepseek.Inference.Offload;

/// <summary>Some experts in memory, the others read from the disk when a token demands them.</summary>
/// <remarks>
/// <para>
/// One lock guards the tables; disks are read and checksums compared outside it, by threads of their own. A batch reserves as many slots as it may hold at once, and waits until they are to be had: so two batches never hold
/// half each and wait for one another.
/// </para>
/// <para>Which experts are in memory never decides which are computed, nor the order in which results are summed: no setting changes an answer.</para>
/// </remarks>
internal sealed partial class PagedExperts : IExpertSource
{
    // What may be read ahead of a prompt's computing: enough to keep disks busy, few enough that a prompt leaves the memory as it was.
    private const int MostStreamed = 16;

    private readonly object _gate = new(); // a Monitor: readers and batches wait on it
    private readonly PagedExpertsOptions _options;
    private readonly ExpertPages _pages;
    private readonly ExpertSlots _slots;
    private readonly SlotTable _table;
    private readonly DiskQueue[] _disks;
    private readonly IShardReader _shards;
    private readonly Thread[] _readers;
    private readonly bool[] _verified; // pages whose checksum was compared
    private readonly Stack<Batch> _idle = new();
    private readonly SlotReservations _reservations;
    private readonly ManualResetEventSlim _stopping = new();
    private bool _disposed;

    /// <summary>Takes memory and starts the readers; nothing is read yet.</summary>
    /// <param name="pages">The experts.</param>
    /// <param name="shards">The disks; this takes ownership.</param>
    /// <param name="policy">Who leaves.</param>
    /// <param name="options">Slots and more.</param>
    /// <param name="device">Where weights are widened to.</param>
    public PagedExperts(ExpertPages pages, IShardReader shards, IEvictionPolicy policy, PagedExpertsOptions options, Device device)
    {
        (_pages, _shards, _options) = (pages, shards, options);
        _slots = new ExpertSlots(options.Slots, pages, device);
        _table = new SlotTable(options.Slots, pages.Count, policy, (long)options.RecentTokens * pages.Layers.Count);
        _reservations = new SlotReservations(_gate, options.Slots, Wait);
        _verified = new bool[pages.Count];
        _disks = [.. Enumerable.Range(0, shards.Disks).Select(_ => new DiskQueue(options.Slots))];
        _counters = new PagingStatistics { Slots = options.Slots, Experts = pages.Experts, RecordBytes = pages.SlotBytes };
        _readers = [.. Enumerable.Range(0, shards.Disks * options.ReadersPerDisk).Select(index =>
        {
            var disk = index % shards.Disks;
            var thread = new Thread(() => Serve(disk)) { IsBackground = true, Name = FormattableString.Invariant($"Deepseek reader {index}") };
            thread.UnsafeStart();
            return thread;
        })];
    }

    /// <summary>Counts what tokens demand; null where nobody wants to know.</summary>
    public ExpertUsage? Usage { get; init; }

    /// <summary>Called when the readers have ended.</summary>
    public Action? Ended { get; init; }

    /// <summary>Lets idle disks fill free slots.</summary>
    /// <param name="experts">Experts by number, the most used first.</param>
    public void Warm(ReadOnlySpan<int> experts)
    {
        lock (_gate)
        {
            foreach (var expert in experts[..Math.Min(experts.Length, _table.Count)])
                QueueOf(expert).Warm(expert);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Bytes of the weights of experts below a layer.</summary>
    public long BytesOf(int layers) => _pages.BytesBelow(layers);

    /// <summary>The memory of all slots.</summary>
    public (nint Start, long Length) Memory => _slots.Memory;

    /// <summary>Counts, for what a next start begins with, experts that a token demanded and found elsewhere.</summary>
    public void CountElsewhere(ReadOnlySpan<int> experts)
    {
        if (Usage is not { } usage)
            return;
        lock (_gate)
        {
            foreach (var expert in experts)
                usage.Add(expert);
        }
    }

    public bool TakesHints => _options.Prefetch && _options.Slots < _pages.Experts;

    public double Preference => _options.CachePreference;

    public void MarkPresent(int layer, Span<bool> present)
    {
        lock (_gate)
        {
            var first = _pages.Number(new ExpertId(layer, 0));
            for (var i = 0; i < present.Length; i++)
                present[i] = _table.SlotOf(first + i) >= 0;
        }
    }

    public ExpertBatch Rent(ReadOnlySpan<ExpertId> experts, ExpertUse use, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            RequireOpen();
            var batch = _idle.TryPop(out var idle) ? idle : new Batch(this);
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
            return batch;
        }
    }

    public void Prefetch(ReadOnlySpan<ExpertId> experts)
    {
        if (!TakesHints)
            return;

        lock (_gate)
        {
            var any = false;
            foreach (var expert in experts)
            {
                var number = _pages.Number(expert);
                if (_table.SlotOf(number) >= 0)
                    continue;
                _disks[_shards.DiskOf(_pages[number].Shard)].Hint(number);
                any = true;
            }

            if (any)
                Monitor.PulseAll(_gate);
        }
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

        _stopping.Set();
        foreach (var reader in _readers)
            reader.Join(); // they write into the slots
        Ended?.Invoke();
        _slots.Dispose();
        _shards.Dispose();
        _stopping.Dispose();
    }

    private void RequireOpen() => ObjectDisposedException.ThrowIf(_disposed, this);

    /// <summary>Waits until something has changed.</summary>
    private void Wait(CancellationToken cancellationToken)
    {
        // A token cannot wake a monitor: so it is asked now and then. A disk takes about as long for an expert.
        const int pollMilliseconds = 20;
        cancellationToken.ThrowIfCancellationRequested();
        RequireOpen();
        if (cancellationToken.CanBeCanceled)
            _ = Monitor.Wait(_gate, pollMilliseconds);
        else
            Monitor.Wait(_gate);
    }

    /// <summary>Gives an expert a slot and asks the disk for it; −1 where nothing may leave now.</summary>
    private int Fetch(int expert, bool cold)
    {
        var slot = Place(expert, cold, sparesRecent: false);
        if (slot < 0)
            return -1;

        _table[slot].MayWait = false;
        QueueOf(expert).Demand(slot);
        Monitor.PulseAll(_gate);
        return slot;
    }

    private int Place(int expert, bool cold, bool sparesRecent)
    {
        var slot = _table.Place(expert, cold, sparesRecent, out var left);
        if (left.Prefetched)
            CountInVain(_pages[left.Expert].Length);
        return slot;
    }

    /// <summary>Somebody waits for an expert whose read was to wait for others.</summary>
    private void Hurry(int slot)
    {
        ref var one = ref _table[slot];
        if (!one.MayWait)
            return;

        one.MayWait = false;
        var queue = QueueOf(one.Expert);
        if (queue.Hinted != slot)
            return; // all of its pieces are under way

        queue.Hinted = -1;
        queue.Demand(slot);
        Monitor.PulseAll(_gate);
    }

    private DiskQueue QueueOf(int expert) => _disks[_shards.DiskOf(_pages[expert].Shard)];
}
