namespace Deepseek.Inference.Tests.Diagnostics;

/// <summary>Runs the collector and finalizers without pause until it is disposed: what native code still reads, but nothing holds, is freed under it.</summary>
internal sealed class FinalizerStorm : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _collecting;

    public FinalizerStorm() => _collecting = Task.Run(Collect);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _collecting;
        _stop.Dispose();
    }

    private void Collect()
    {
        while (!_stop.IsCancellationRequested)
        {
            GC.Collect(0);
            GC.WaitForPendingFinalizers();
        }
    }
}
