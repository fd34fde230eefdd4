namespace Deepseek.Inference.Offload;

/// <summary>Slots that batches may hold, promised before a batch begins, in turn: so two batches never hold half of what they need each and wait for one another. Used under a cache's lock.</summary>
/// <param name="gate">The lock, a monitor: whoever gives slots back pulses it.</param>
/// <param name="slots">Slots that there are.</param>
/// <param name="wait">Waits until something has changed, or throws.</param>
internal sealed class SlotReservations(object gate, int slots, Action<CancellationToken> wait)
{
    private readonly List<object> _waiting = []; // the first first
    private int _reserved;

    /// <summary>Waits until so many slots are to be had, and takes them.</summary>
    public void Take(object batch, int count, CancellationToken cancellationToken)
    {
        if (_waiting.Count > 0 || _reserved + count > slots)
        {
            _waiting.Add(batch);
            try
            {
                while (_waiting[0] != batch || _reserved + count > slots)
                    wait(cancellationToken);
            }
            finally
            {
                _ = _waiting.Remove(batch);
                Monitor.PulseAll(gate);
            }
        }

        _reserved += count;
    }

    /// <summary>Gives slots back, and tells those who wait.</summary>
    public void Give(int count)
    {
        _reserved -= count;
        Monitor.PulseAll(gate);
    }
}
