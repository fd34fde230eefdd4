using Deepseek.Inference.Offload.Eviction;

namespace Deepseek.Inference.Offload;

/// <summary>Which expert is in which slot, and which leaves when another comes. Used under the cache's lock.</summary>
internal sealed class SlotTable
{
    private readonly Slot[] _slots;
    private readonly int[] _slotOf; // by expert, −1 for none
    private readonly long[] _demanded; // the clock when a token last demanded an expert; 0 for never
    private readonly int[] _free;
    private readonly IEvictionPolicy _policy;
    private readonly long _recent;
    private int _freeCount;
    private long _clock;

    /// <summary>An empty table.</summary>
    /// <param name="slots">Slots.</param>
    /// <param name="experts">Experts, by number.</param>
    /// <param name="policy">Who leaves.</param>
    /// <param name="recent">Groups of demanded experts within which one counts as recent.</param>
    public SlotTable(int slots, int experts, IEvictionPolicy policy, long recent)
    {
        (_policy, _recent, _freeCount) = (policy, recent, slots);
        _slots = new Slot[slots];
        _slotOf = new int[experts];
        _demanded = new long[experts];
        _free = new int[slots];
        Array.Fill(_slotOf, -1);
        for (var i = 0; i < slots; i++)
        {
            _slots[i].Expert = -1;
            _free[i] = slots - 1 - i; // the first slot is given first
        }
    }

    /// <summary>Slots.</summary>
    public int Count => _slots.Length;

    /// <summary>Slots that hold nothing.</summary>
    public int FreeCount => _freeCount;

    /// <summary>A slot.</summary>
    public ref Slot this[int slot] => ref _slots[slot];

    /// <summary>The slot of an expert that is in memory or on its way; −1 where it is neither.</summary>
    public int SlotOf(int expert) => _slotOf[expert];

    /// <summary>Begins a group of experts that a token demands together.</summary>
    public void BeginGroup() => _clock++;

    /// <summary>A token demands an expert.</summary>
    public void Demand(int expert)
    {
        _demanded[expert] = _clock;
        _policy.Demanded(expert);
    }

    /// <summary>Gives an expert a slot, whose read is then to be begun; −1 where nothing may leave.</summary>
    /// <param name="expert">The expert, which has none.</param>
    /// <param name="cold">Whether no token demands it.</param>
    /// <param name="sparesRecent">Whether what was demanded recently stays.</param>
    /// <param name="left">Receives the slot as it was before, if an expert had to leave it.</param>
    public int Place(int expert, bool cold, bool sparesRecent, out Slot left)
    {
        left = default;
        var slot = _freeCount > 0 ? _free[--_freeCount] : Victim(expert, sparesRecent);
        if (slot < 0)
            return -1;

        if (_slots[slot].Expert >= 0)
        {
            left = _slots[slot];
            Forget(slot);
        }

        _slots[slot] = new Slot { Expert = expert, State = SlotState.Reading, MayWait = cold };
        _slotOf[expert] = slot;
        _policy.Inserted(expert, cold);
        return slot;
    }

    /// <summary>What was to fill a slot did not come: the expert is in none, and the slot is free when nobody waits for it any more.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="fault">What those who wait are told; null where nobody does.</param>
    public void Fail(int slot, ReadFault? fault)
    {
        Forget(slot);
        _slots[slot].State = SlotState.Failed;
        _slots[slot].Fault = fault;
        FreeIfFailed(slot);
    }

    /// <summary>A batch no longer needs a slot.</summary>
    public void Unpin(int slot)
    {
        _slots[slot].Pins--;
        FreeIfFailed(slot);
    }

    private void FreeIfFailed(int slot)
    {
        if (_slots[slot] is not { State: SlotState.Failed, Pins: 0 })
            return;
        _slots[slot] = new Slot { Expert = -1 };
        _free[_freeCount++] = slot;
    }

    private void Forget(int slot)
    {
        _slotOf[_slots[slot].Expert] = -1;
        _policy.Removed(_slots[slot].Expert);
        _slots[slot].Expert = -1;
    }

    /// <summary>Whether an expert was demanded within the last tokens.</summary>
    private bool IsRecent(int expert) => _demanded[expert] > 0 && _clock - _demanded[expert] < _recent;

    private int Victim(int incoming, bool sparesRecent)
    {
        var (best, lowest) = (-1, double.PositiveInfinity);
        for (var i = 0; i < _slots.Length; i++)
        {
            ref readonly var slot = ref _slots[i];
            if (slot.State != SlotState.Ready || slot.Pins > 0 || (sparesRecent && IsRecent(slot.Expert)))
                continue;
            var rank = _policy.Rank(slot.Expert, incoming);
            if (best < 0 || rank < lowest)
                (best, lowest) = (i, rank);
        }

        return best;
    }
}
