namespace Deepseek.Inference.Server.Endpoints;

/// <summary>Tokens a second over the last moments, from a count that is looked at now and then.</summary>
internal sealed class TokenRate(TimeProvider clock)
{
    /// <summary>Over how long the rate is taken.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly Queue<(long Time, long Count)> _seen = new();

    /// <summary>Notes a count.</summary>
    public void Observe(long count)
    {
        lock (_lock)
        {
            var now = clock.GetTimestamp();
            _seen.Enqueue((now, count));
            // One that is older than the window stays, so that the whole window is covered.
            while (_seen.Count > 2 && clock.GetElapsedTime(_seen.ElementAt(1).Time, now) >= Window)
                _seen.Dequeue();
        }
    }

    /// <summary>The rate; 0 before there were two looks.</summary>
    public double PerSecond
    {
        get
        {
            lock (_lock)
            {
                if (_seen.Count < 2)
                    return 0;
                var (first, last) = (_seen.Peek(), _seen.Last());
                var elapsed = clock.GetElapsedTime(first.Time, last.Time).TotalSeconds;
                return elapsed > 0 ? (last.Count - first.Count) / elapsed : 0;
            }
        }
    }
}
