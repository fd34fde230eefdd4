using Deepseek.Inference.Experts;

namespace Deepseek.Inference.Offload.Devices;

// What is measured, under the lock.
internal sealed partial class DeviceExperts
{
    private DeviceStatistics _counters;
    private long _peak;

    /// <summary>What the device's memory is for; slots are filled in here.</summary>
    public required DeviceStatistics Plan
    {
        init => _counters = value with { Slots = _slots.Count, Experts = _pages.Experts, RecordBytes = _pages.SlotBytes };
    }

    /// <summary>Bytes of the device that were free before anything was placed there; null where it does not tell.</summary>
    public long? FreeBefore { get; init; }

    /// <summary>What has happened so far.</summary>
    public DeviceStatistics Statistics
    {
        get
        {
            lock (_gate)
            {
                var reading = _disposed ? null : _device.Reading;
                if (FreeBefore is { } before && reading is { } now)
                    _peak = Math.Max(_peak, before - now.Free);
                return _counters with
                {
                    FilledSlots = _table.Count - _table.FreeCount,
                    ReportedPeakBytes = FreeBefore is null ? null : _peak,
                    LocksHostMemory = _locked,
                };
            }
        }
    }

    private void CountRent(ExpertUse use, bool hit) => _counters = (use, hit) switch
    {
        (ExpertUse.Decode, true) => _counters with { Hits = _counters.Hits + 1 },
        (ExpertUse.Decode, false) => _counters with { Misses = _counters.Misses + 1 },
        (_, true) => _counters with { PrefillHits = _counters.PrefillHits + 1 },
        _ => _counters with { PrefillMisses = _counters.PrefillMisses + 1 },
    };

    private void CountCopy(int bytes) => _counters = _counters with { CopiedBytes = _counters.CopiedBytes + bytes };
}
