using System.Diagnostics;

namespace Deepseek.Inference.Kernels;

/// <summary>Waits for a word that other threads count up: first by spinning for a bounded time, then asleep, without a processor.</summary>
/// <remarks>One thread waits. It announces its sleep, then looks at the word once more; whoever counts looks for the announcement afterwards. So one of the two sees the other, and no call is lost.</remarks>
internal sealed class Sleeper
{
    // Reading the clock costs about as much as a pause.
    private const int PausesPerClock = 16;

    private readonly object _monitor = new();
    private int _announced;
    private bool _called;

    /// <summary>Spins until the word is at least a value; false when the time ran out first.</summary>
    public static bool Spin(ref long word, long value, long ticks)
    {
        if (Volatile.Read(ref word) >= value)
            return true;
        if (ticks == 0)
            return false;

        var begin = Stopwatch.GetTimestamp();
        do
        {
            for (var i = 0; i < PausesPerClock; i++)
            {
                Thread.SpinWait(1);
                if (Volatile.Read(ref word) >= value)
                    return true;
            }
        }
        while (Stopwatch.GetTimestamp() - begin < ticks);
        return false;
    }

    /// <summary>Says that this thread is about to sleep; it must then look at the word again.</summary>
    public void Announce() => Interlocked.Exchange(ref _announced, 1);

    /// <summary>Takes the announcement back; false when a call was quicker, which <see cref="Sleep"/> must then take.</summary>
    public bool Withdraw() => Interlocked.Exchange(ref _announced, 0) == 1;

    /// <summary>Sleeps until called.</summary>
    public void Sleep()
    {
        lock (_monitor)
        {
            while (!_called)
                Monitor.Wait(_monitor);
            _called = false;
        }
    }

    /// <summary>Wakes the thread if it has announced its sleep; false if not.</summary>
    public bool Call()
    {
        if (Volatile.Read(ref _announced) == 0 || Interlocked.Exchange(ref _announced, 0) == 0)
            return false;

        lock (_monitor)
        {
            _called = true;
            Monitor.Pulse(_monitor);
        }

        return true;
    }
}
