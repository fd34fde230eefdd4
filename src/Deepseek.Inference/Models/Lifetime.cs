namespace Deepseek.Inference.Models;

/// <summary>Lets disposal wait for the calls that are under way: the last to leave releases the resources.</summary>
internal sealed class Lifetime(object owner, Action release)
{
    private readonly Lock _lock = new();
    private int _users;
    private bool _disposed;

    /// <summary>Begins a call; the result ends it.</summary>
    /// <exception cref="ObjectDisposedException">The owner has been disposed.</exception>
    public Lease Enter()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, owner);
            _users++;
        }

        return new Lease(this);
    }

    /// <summary>Refuses further calls, and releases the resources now or when the last call ends.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
            if (_users > 0)
                return;
        }

        release();
    }

    private void Leave()
    {
        lock (_lock)
        {
            _users--;
            if (!_disposed || _users > 0)
                return;
        }

        release();
    }

    /// <summary>One call under way; dispose it once.</summary>
    public readonly struct Lease(Lifetime lifetime) : IDisposable
    {
        /// <inheritdoc />
        public void Dispose() => lifetime.Leave();
    }
}
