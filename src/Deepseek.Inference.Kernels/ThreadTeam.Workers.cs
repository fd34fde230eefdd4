using System.Runtime.ExceptionServices;

namespace Deepseek.Inference.Kernels;

// How a run is published, shared out and awaited.
public sealed partial class ThreadTeam
{
    private void RunShared(int count, TeamWork work)
    {
        if (count == 1 || Threads == 1)
        {
            for (var item = 0; item < count; item++)
                work.Run(item, worker: 0);
            return;
        }

        (_work, _fault) = (work, null);
        Volatile.Write(ref _counters.Balance, -count);

        // This publishes all of the above: whoever claims an item of this run sees its fields, and they stay until it is done. A worker that was set aside in an earlier run is no exception.
        Interlocked.Exchange(ref _counters.Claims, count * OneUnclaimed);
        Wake(Math.Min(count, Threads) - 1);
        Share(worker: 0);
        WaitForMembers();
        var fault = _fault;
        (_work, _fault) = (null, null);
        fault?.Throw();
    }

    /// <summary>What a member does until the team is disposed of.</summary>
    private void Serve(int worker)
    {
        (Current, CurrentWorker) = (this, worker);
        var sleeper = _sleepers[worker - 1];
        while (!_disposed)
        {
            if (!Sleeper.Spin(ref _counters.Claims, OneUnclaimed, _patience))
            {
                Interlocked.Increment(ref _counters.Asleep);
                sleeper.Announce();
                if ((Unclaimed() <= 0 && !_disposed) || !sleeper.Withdraw())
                    sleeper.Sleep();
                Interlocked.Decrement(ref _counters.Asleep);
            }

            Share(worker);
        }
    }

    /// <summary>Wakes sleeping members until as many are awake as can find an item.</summary>
    private void Wake(int wanted)
    {
        var missing = wanted - (Threads - 1 - Volatile.Read(ref _counters.Asleep));
        for (var i = 0; i < _sleepers.Length && missing > 0; i++)
        {
            if (_sleepers[i].Call())
                missing--;
        }
    }

    /// <summary>Claims and runs items while there are any.</summary>
    private void Share(int worker)
    {
        var done = 0;
        while (Unclaimed() is > 0 and var unclaimed)
        {
            var (first, end) = Claim(Math.Max(1, unclaimed / (Threads * ClaimShare)), fromFront: worker % 2 == 0);
            if (first >= end)
                break;

            done += end - first;
            try
            {
                for (var item = first; item < end; item++)
                    _work!.Run(item, worker);
            }
#pragma warning disable CA1031 // The fault belongs to the caller of Run, on another thread.
            catch (Exception fault)
#pragma warning restore CA1031
            {
                done += Drop(fault);
            }
        }

        if (done > 0 && Interlocked.Add(ref _counters.Balance, done) == 0 && worker != 0)
            _caller.Call();
    }

    /// <summary>Claims items from one end of what is left: as many as wished, or fewer where others claimed meanwhile.</summary>
    private (int First, int End) Claim(int wished, bool fromFront)
    {
        var claims = Interlocked.Add(ref _counters.Claims, (fromFront ? wished : 0) - (wished * OneUnclaimed));
        var (left, front) = (UnclaimedOf(claims), (int)claims);
        return fromFront ? (front - wished, front + Math.Min(left, 0)) : (front + Math.Max(left, 0), front + left + wished);
    }

    private int Unclaimed() => UnclaimedOf(Volatile.Read(ref _counters.Claims));

    private static int UnclaimedOf(long claims) => (int)(claims >> UnclaimedBit);

    /// <summary>Keeps a fault if it is the first, and claims what nobody has begun; returns how many items those are.</summary>
    private int Drop(Exception fault)
    {
        Interlocked.CompareExchange(ref _fault, ExceptionDispatchInfo.Capture(fault), null);
        return Math.Max(0, UnclaimedOf(Interlocked.Exchange(ref _counters.Claims, 0)));
    }

    /// <summary>Waits for the items that members have claimed.</summary>
    private void WaitForMembers()
    {
        if (Sleeper.Spin(ref _counters.Balance, 0, _patience))
            return;

        // A late call of an earlier run may wake this thread early: so it looks again.
        while (Volatile.Read(ref _counters.Balance) < 0)
        {
            _caller.Announce();
            if (Volatile.Read(ref _counters.Balance) < 0 || !_caller.Withdraw())
                _caller.Sleep();
        }
    }
}
