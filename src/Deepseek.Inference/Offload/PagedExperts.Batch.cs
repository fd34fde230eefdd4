using System.Diagnostics;
using Deepseek.Inference.Experts;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Offload;

// What a layer rents.
internal sealed partial class PagedExperts
{
    private enum Phase : byte
    {
        /// <summary>Nothing has been done about it.</summary>
        Pending,

        /// <summary>Its slot is pinned: it is being read, or ready and not named yet.</summary>
        Held,

        /// <summary>Its weights are in use.</summary>
        Named,

        /// <summary>Computed.</summary>
        Done,
    }

    private enum Origin : byte
    {
        Present,

        /// <summary>Another call had asked for it; it was on its way.</summary>
        Joined,

        /// <summary>This call asked for it.</summary>
        Fetched,
    }

    /// <summary>Kept and used again: a token's renting allocates nothing. All but <see cref="Dispose"/> and <see cref="Take"/> are called under the lock.</summary>
    private sealed class Batch(PagedExperts owner) : ExpertBatch
    {
        private int[] _experts = [];
        private int[] _slots = [];
        private Phase[] _phases = [];
        private int _count;
        private int _done;
        private int _held; // slots that are pinned
        private Origin[] _origins = [];
        private int _passing; // of the pinned slots, those that were not ready when they were pinned
        private ExpertUse _use;
        private bool _rented;
        private CancellationToken _cancellationToken;

        /// <summary>Slots that it may hold at once.</summary>
        public int Window { get; private set; }

        public override FeedForwardWeights this[int index] => owner._slots.Weights(_slots[index], owner._pages[_experts[index]].Layout);

        // Whether more is wanted than may be held: then some are read while others are computed.
        private bool Streams => _count > Window || _use == ExpertUse.Prefill;

        private int MostPassing => !Streams ? Window : _use == ExpertUse.Prefill ? Math.Clamp(Window / 2, 1, MostStreamed) : Math.Max(1, Window / 2);

        public void Choose(ReadOnlySpan<ExpertId> experts, ExpertUse use, CancellationToken cancellationToken)
        {
            (_count, _done, _held, _passing, _use, _cancellationToken) = (experts.Length, 0, 0, 0, use, cancellationToken);
            if (_experts.Length < _count)
                (_experts, _slots, _phases, _origins) = (new int[_count], new int[_count], new Phase[_count], new Origin[_count]);
            for (var i = 0; i < _count; i++)
                (_experts[i], _slots[i], _phases[i], _origins[i]) = (owner._pages.Number(experts[i]), -1, Phase.Pending, Origin.Present);
            Window = Math.Min(_count, owner._table.Count);
        }

        /// <summary>Counts what is demanded and asks the disks for what is missing.</summary>
        public void Begin()
        {
            _rented = true;
            if (_use == ExpertUse.Decode)
                Demand();
            if (!Streams)
                HoldPresent(); // before anything is read, so that none of them has to leave for another
            FetchMissing();
        }

        public override int Take(Span<int> indices)
        {
            lock (owner._gate)
            {
                var named = Name(indices);
                if (named > 0 || _done == _count)
                    return named;

                var since = Stopwatch.GetTimestamp();
                do
                    owner.Wait(_cancellationToken);
                while ((named = Name(indices)) == 0);
                owner.CountStall(since);
                return named;
            }
        }

        public override void Dispose()
        {
            lock (owner._gate)
            {
                if (!_rented)
                    return;

                _rented = false;
                for (var i = 0; i < _count; i++)
                {
                    if (_phases[i] is Phase.Held or Phase.Named)
                        owner._table.Unpin(_slots[i]);
                }

                _cancellationToken = default;
                owner._idle.Push(this);
                owner._reservations.Give(Window);
            }
        }

        private void Demand()
        {
            owner._table.BeginGroup();
            for (var i = 0; i < _count; i++)
            {
                var slot = owner._table.SlotOf(_experts[i]);
                var prefetched = slot >= 0 && owner._table[slot].Prefetched;
                owner.CountDemand(hit: slot >= 0 && !prefetched);
                if (prefetched)
                {
                    owner._table[slot].Prefetched = false;
                    owner.CountPrefetchUsed(owner._pages[_experts[i]].Length);
                }

                owner._table.Demand(_experts[i]);
                owner.Usage?.Add(_experts[i]);
            }

            foreach (var disk in owner._disks)
                owner.GiveUpHints(disk);
        }

        private void HoldPresent()
        {
            for (var i = 0; i < _count; i++)
            {
                if (owner._table.SlotOf(_experts[i]) is var slot and >= 0)
                    Hold(i, slot);
            }
        }

        private void Hold(int index, int slot)
        {
            owner._table[slot].Pins++;
            owner.Hurry(slot);
            (_slots[index], _phases[index]) = (slot, Phase.Held);
            _held++;
        }

        /// <summary>Asks the disks for experts that are missing, as many as may be under way.</summary>
        private void FetchMissing()
        {
            for (var i = 0; i < _count && _held < Window && _passing < MostPassing; i++)
            {
                if (_phases[i] != Phase.Pending)
                    continue;

                var slot = owner._table.SlotOf(_experts[i]);
                if (slot >= 0 && owner._table[slot].State == SlotState.Ready)
                    continue; // held when its turn comes

                _origins[i] = slot < 0 ? Origin.Fetched : Origin.Joined;
                if (slot < 0)
                {
                    slot = owner.Fetch(_experts[i], cold: _use == ExpertUse.Prefill);
                    if (slot < 0)
                        return; // until a slot that is being filled for nobody is ready
                    if (_use == ExpertUse.Prefill)
                        owner.CountPrefill(hit: false);
                }

                Hold(i, slot);
                _passing++;
            }
        }

        /// <summary>Lets go of what was named last, and names what is ready now.</summary>
        private int Name(Span<int> indices)
        {
            Release();
            FetchMissing();
            var (named, again) = (0, false);
            for (var i = 0; i < _count; i++)
            {
                if (_phases[i] == Phase.Pending && _held < Window && owner._table.SlotOf(_experts[i]) is var slot and >= 0 && owner._table[slot].State == SlotState.Ready)
                {
                    Hold(i, slot);
                    if (_use == ExpertUse.Prefill)
                        owner.CountPrefill(hit: true);
                }

                if (_phases[i] != Phase.Held)
                    continue;

                ref readonly var one = ref owner._table[_slots[i]];
                if (one.State == SlotState.Failed)
                {
                    if (_origins[i] == Origin.Fetched)
                        throw one.Fault!.ToException();
                    Retry(i);
                    again = true;
                    continue;
                }

                if (one.State != SlotState.Ready)
                    continue;
                _phases[i] = Phase.Named;
                indices[named++] = i;
            }

            if (again)
                FetchMissing();
            return named;
        }

        /// <summary>A read that another call had begun failed: perhaps the disk is well again.</summary>
        private void Retry(int index)
        {
            owner._table.Unpin(_slots[index]);
            _phases[index] = Phase.Pending;
            _held--;
            if (_origins[index] != Origin.Present)
                _passing--;
        }

        private void Release()
        {
            for (var i = 0; i < _count; i++)
            {
                if (_phases[i] != Phase.Named)
                    continue;

                _phases[i] = Phase.Done;
                owner._table.Unpin(_slots[i]);
                _held--;
                _done++;
                if (_origins[i] != Origin.Present)
                    _passing--;
            }
        }
    }
}
