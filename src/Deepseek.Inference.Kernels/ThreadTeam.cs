using System.Diagnostics;
using System.Globalization;
using System.Runtime.ExceptionServices;

namespace Deepseek.Inference.Kernels;

/// <summary>Threads that share out the items of a piece of work, and are there at once when the next piece comes.</summary>
/// <remarks>
/// <para>
/// Items are claimed as workers come to them, so a worker that the system has set aside holds up no more than the few items that it had claimed. Every second worker claims from the end, the others from the
/// front: where items are ordered by what bounds them, some wait for memory while others compute. After its last item a worker looks for the
/// next work for some tens of microseconds, then sleeps without using a processor; where there are more workers than processors it sleeps at once.
/// </para>
/// <para>
/// Thread-safe: calls from several threads at once queue up. A call from within an item of the same team runs its items there and then, one after the other, as the item's worker.
/// A team holds its threads until it is disposed of; they end with the process.
/// </para>
/// </remarks>
public sealed partial class ThreadTeam : IDisposable
{
    /// <summary>Threads of the largest team.</summary>
    public const int MaxThreads = 256;

    // A worker claims this part of its share of what is left: items that follow one another, whose memory the processor then reads as one stream, and in the end one by one, so that all workers end together where items are much alike.
    private const int ClaimShare = 4;

    // Of the counter of claims.
    private const int UnclaimedBit = 32;
    private const long OneUnclaimed = 1L << UnclaimedBit;

    // Longer than what lies between two products of a layer, shorter than anyone else's wait would be noticed.
    private static readonly TimeSpan Patience = TimeSpan.FromMicroseconds(50);

    // The team whose item this thread runs, and as which worker.
    [ThreadStatic]
    private static ThreadTeam? Current;

    [ThreadStatic]
    private static int CurrentWorker;

    private readonly Lock _gate = new();
    private readonly Thread[] _threads;
    private readonly Sleeper[] _sleepers; // of the members, workers 1 to n - 1
    private readonly Sleeper _caller = new();
    private readonly long _patience; // in the clock's ticks
    private TeamCounters _counters;
    private TeamWork? _work;
    private ExceptionDispatchInfo? _fault;
    private volatile bool _disposed;

    /// <summary>Starts a team.</summary>
    /// <param name="threads">Workers, 1 to 256: the caller of <see cref="Run"/> and threads − 1 others.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threads"/> is out of range.</exception>
    public ThreadTeam(int threads)
    {
        if (threads is < 1 or > MaxThreads)
            throw new ArgumentOutOfRangeException(nameof(threads), threads, $"A team has 1 to {MaxThreads} threads, one for each processor that may compute.");

        // A worker that spins where there is no processor for everyone takes it from one that computes.
        _patience = threads <= Environment.ProcessorCount ? (long)(Patience.TotalSeconds * Stopwatch.Frequency) : 0;
        Threads = threads;
        _threads = new Thread[threads - 1];
        _sleepers = new Sleeper[threads - 1];
        for (var i = 0; i < _threads.Length; i++)
            _sleepers[i] = new Sleeper();
        for (var i = 0; i < _threads.Length; i++)
        {
            var worker = i + 1;
            _threads[i] = new Thread(() => Serve(worker)) { IsBackground = true, Name = string.Create(CultureInfo.InvariantCulture, $"Deepseek worker {worker}") };
            _threads[i].UnsafeStart();
        }
    }

    /// <summary>Workers: the caller of <see cref="Run"/>, who is worker 0, and the threads of the team.</summary>
    public int Threads { get; }

    /// <summary>Workers that claim from the front: every second one, the first among them.</summary>
    internal int FrontWorkers => (Threads + 1) / 2;

    /// <summary>Runs every item of a piece of work once, and returns when all are done.</summary>
    /// <param name="count">Items, 0 or more.</param>
    /// <param name="work">What an item is.</param>
    /// <remarks>
    /// What an item throws is thrown here, the first fault alone; items that nobody had begun are then dropped. The team can be used again. Nothing is allocated.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The team is disposed of.</exception>
    /// <exception cref="InvalidOperationException">The caller is an item of another team: two that wait for one another would wait for ever.</exception>
    public void Run(int count, TeamWork work)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentNullException.ThrowIfNull(work);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Current is not null)
        {
            RunNested(count, work);
            return;
        }

        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this); // while this call stood in the queue
            if (count == 0)
                return;

            (Current, CurrentWorker) = (this, 0);
            try
            {
                RunShared(count, work);
            }
            finally
            {
                Current = null;
            }
        }
    }

    /// <summary>Ends the threads, after the work that they are at. A second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">The caller is an item of the team, which would wait for itself.</exception>
    public void Dispose()
    {
        if (Current == this)
            throw new InvalidOperationException("An item of a team's work disposes of the team; do so after Run has returned.");

        lock (_gate)
        {
            if (_disposed)
                return;

            _disposed = true;
            Interlocked.MemoryBarrier(); // a member announces its sleep, then looks at this: one of the two is seen
            foreach (var sleeper in _sleepers)
                sleeper.Call();
            foreach (var thread in _threads)
                thread.Join();
        }
    }

    private void RunNested(int count, TeamWork work)
    {
        if (Current != this)
            throw new InvalidOperationException("An item of a team's work calls another team; call the team that runs the item.");

        for (var item = 0; item < count; item++)
            work.Run(item, CurrentWorker);
    }
}
