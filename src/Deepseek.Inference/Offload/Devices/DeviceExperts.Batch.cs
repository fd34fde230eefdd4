using Deepseek.Inference.Experts;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Offload.Devices;

// What a layer rents.
internal sealed partial class DeviceExperts
{
    private enum Phase : byte
    {
        /// <summary>It has still to come from the host.</summary>
        Missing,

        /// <summary>It was on the device and is held there.</summary>
        Present,

        /// <summary>Its weights are in use.</summary>
        Named,

        /// <summary>Computed.</summary>
        Done,
    }

    /// <summary>Kept and used again. <see cref="Choose"/> and <see cref="Begin"/> are called under the lock.</summary>
    private sealed class Batch(DeviceExperts owner) : ExpertBatch
    {
        private ExpertId[] _ids = [];
        private int[] _experts = [];
        private int[] _slots = [];
        private Phase[] _phases = [];
        private int[] _missing = []; // places of those that the host was asked for, in its order
        private int[] _ready = []; // of those, what the host has named
        private int _count;
        private int _done;
        private int _missingCount;
        private int _readyCount;
        private int _brought; // of the ready ones, those that are on the device
        private long _copy; // the last one
        private ExpertUse _use;
        private ExpertBatch? _host;
        private bool _rented;
        private CancellationToken _cancellationToken;

        /// <summary>Slots that it may hold at once.</summary>
        public int Window { get; private set; }

        public override FeedForwardWeights this[int index] => owner._slots.Weights(_slots[index], owner._pages[_experts[index]].Layout);

        private int MostNamed => _use == ExpertUse.Prefill ? Math.Min(Window, MostStreamed) : Window;

        public void Choose(ReadOnlySpan<ExpertId> experts, ExpertUse use, CancellationToken cancellationToken)
        {
            (_count, _done, _missingCount, _readyCount, _brought, _copy) = (experts.Length, 0, 0, 0, 0, 0);
            (_use, _cancellationToken) = (use, cancellationToken);
            if (_experts.Length < _count)
                (_ids, _experts, _slots, _phases, _missing, _ready) = (new ExpertId[_count], new int[_count], new int[_count], new Phase[_count], new int[_count], new int[_count]);
            experts.CopyTo(_ids);
            for (var i = 0; i < _count; i++)
                (_experts[i], _slots[i], _phases[i]) = (owner._pages.Number(experts[i]), -1, Phase.Missing);
            Window = Math.Min(_count, owner._table.Count);
        }

        /// <summary>Counts what is demanded and holds what the device has, before anything may leave it for the rest.</summary>
        public void Begin()
        {
            _rented = true;
            if (_use == ExpertUse.Decode)
                owner._table.BeginGroup();
            for (var i = 0; i < _count; i++)
            {
                var slot = owner._table.SlotOf(_experts[i]);
                owner.CountRent(_use, hit: slot >= 0);
                if (_use == ExpertUse.Decode)
                    owner._table.Demand(_experts[i]);
                if (slot >= 0)
                    Hold(i, slot, Phase.Present);
                else
                    _missing[_missingCount++] = i;
            }
        }

        /// <summary>Asks the host for the rest; may wait for its memory, not for the disk.</summary>
        public void RentMissing()
        {
            if (_use == ExpertUse.Decode && owner._paged is { } paged)
            {
                for (var i = 0; i < _count; i++)
                {
                    if (_phases[i] == Phase.Present)
                        paged.CountElsewhere(_experts.AsSpan(i, 1));
                }
            }

            if (_missingCount == 0)
                return;
            Span<ExpertId> missing = _missingCount <= 64 ? stackalloc ExpertId[_missingCount] : new ExpertId[_missingCount];
            for (var i = 0; i < _missingCount; i++)
                missing[i] = _ids[_missing[i]];
            _host = owner._host.Rent(missing, _use, _cancellationToken);
        }

        public override int Take(Span<int> indices)
        {
            int named;
            lock (owner._gate)
            {
                Release();
                named = NamePresent(indices);
            }

            while (named == 0 && _done < _count)
            {
                _cancellationToken.ThrowIfCancellationRequested();
                if (_brought == _readyCount)
                {
                    owner._device.Wait(_copy); // the host lets go of what it named before
                    (_brought, _readyCount) = (0, _host!.Take(_ready.AsSpan(0, _missingCount)));
                    if (_readyCount == 0)
                        throw new InvalidOperationException($"{_count - _done} experts were not handed out; the host's source must name every expert that it rented.");
                }

                lock (owner._gate)
                    named = BringReady(indices);
            }

            return named;
        }

        public override void Dispose()
        {
            if (!_rented)
                return;

            _rented = false;
            owner._device.Wait(_copy);
            _host?.Dispose();
            _host = null;
            lock (owner._gate)
            {
                Release();
                for (var i = 0; i < _count; i++)
                {
                    if (_phases[i] == Phase.Present)
                        owner._table.Unpin(_slots[i]);
                }

                _cancellationToken = default;
                owner._idle.Push(this);
                owner._reservations.Give(Window);
            }
        }

        private void Hold(int index, int slot, Phase phase)
        {
            owner._table[slot].Pins++;
            (_slots[index], _phases[index]) = (slot, phase);
        }

        private int NamePresent(Span<int> indices)
        {
            var named = 0;
            for (var i = 0; i < _count; i++)
            {
                if (_phases[i] != Phase.Present)
                    continue;
                _phases[i] = Phase.Named;
                indices[named++] = i;
            }

            return named;
        }

        /// <summary>Copies what the host has named to the device, as much as may be held there at once.</summary>
        private unsafe int BringReady(Span<int> indices)
        {
            var named = 0;
            for (; _brought < _readyCount && named < MostNamed; _brought++)
            {
                var index = _missing[_ready[_brought]];
                var slot = owner._table.SlotOf(_experts[index]);
                if (slot < 0) // another call may have brought it meanwhile
                {
                    var record = ((BandMatrix)_host![_ready[_brought]].Gate).Address(0); // gate's first band begins a record
                    slot = owner.Bring(_experts[index], (nint)record, cold: _use == ExpertUse.Prefill, out _copy);
                }

                Hold(index, slot, Phase.Named);
                indices[named++] = index;
            }

            return named;
        }

        /// <summary>Lets go of what was named last: its slots may be filled anew when the device has computed so far.</summary>
        private void Release()
        {
            var mark = 0L;
            for (var i = 0; i < _count; i++)
            {
                if (_phases[i] != Phase.Named)
                    continue;
                mark = mark == 0 ? owner._device.Mark() : mark;
                owner._marks[_slots[i]] = Math.Max(mark, owner._marks[_slots[i]]);
                _phases[i] = Phase.Done;
                owner._table.Unpin(_slots[i]);
                _done++;
            }
        }
    }
}
