namespace Deepseek.Cli;

/// <summary>Requests to end: Ctrl-C and termination.</summary>
/// <remarks>A verb may take requests for itself while a part of it can be stopped alone, as a reply of a chat can; all others cancel <see cref="Token"/>.</remarks>
internal sealed class Interrupts : IDisposable
{
    /// <summary>How long a verb may take to end by itself once it was asked to.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _end = new();
    private readonly TaskCompletionSource _overdue = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenSource? _part;
    private int _lastSteps;
    private bool _isLate;

    /// <summary>Cancelled when the tool is to end.</summary>
    public CancellationToken Token => _end.Token;

    /// <summary>What the tool exits with after a request to end.</summary>
    public int ExitCode { get; private set; } = DeepseekTool.Interrupted;

    /// <summary>Asks the tool to end; a second request ends it at once.</summary>
    /// <param name="exitCode">128 and the signal's number.</param>
    public void Raise(int exitCode)
    {
        lock (_lock)
        {
            if (exitCode == DeepseekTool.Interrupted && _part is { } part)
            {
                _ = part.CancelAsync();
                return;
            }

            if (_end.IsCancellationRequested)
            {
                _overdue.TrySetResult();
                return;
            }

            ExitCode = exitCode;
            _ = _end.CancelAsync();
            _ = Task.Delay(Grace).ContinueWith(_ => RunOut(), TaskScheduler.Default);
        }
    }

    /// <summary>Begins a last step that takes as long as it takes, such as writing what would else be lost; only a second request ends it. Dispose what this returns after it.</summary>
    public IDisposable BeginLastStep()
    {
        lock (_lock)
            _lastSteps++;
        return new LastStep(this);
    }

    /// <summary>Lets Ctrl-C cancel a part of a verb's work in place of the whole.</summary>
    /// <param name="part">The part; null where there is none any more.</param>
    public void DivertTo(CancellationTokenSource? part)
    {
        lock (_lock)
            _part = part;
    }

    /// <summary>Waits for the tool, but not for ever once it was asked to end: not all work can be cancelled.</summary>
    /// <returns>Whether the tool has ended.</returns>
    public async Task<bool> WaitAsync(Task tool) => await Task.WhenAny(tool, _overdue.Task).ConfigureAwait(false) == tool;

    public void Dispose() => _end.Dispose();

    private void RunOut()
    {
        lock (_lock)
        {
            _isLate = true;
            if (_lastSteps == 0)
                _overdue.TrySetResult();
        }
    }

    private sealed class LastStep(Interrupts interrupts) : IDisposable
    {
        public void Dispose()
        {
            lock (interrupts._lock)
            {
                interrupts._lastSteps--;
                if (interrupts._isLate && interrupts._lastSteps == 0)
                    interrupts._overdue.TrySetResult();
            }
        }
    }
}
