namespace Deepseek.Cli;

/// <summary>Requests to end: Ctrl-C and termination.</summary>
/// <remarks>A verb may take requests for itself while a part of it can be stopped alone, as a reply of a chat can; all others cancel <see cref="Token"/>.</remarks>
internal sealed class Interrupts : IDisposable
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _end = new();
    private readonly TaskCompletionSource _overdue = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenSource? _part;

    /// <summary>Cancelled when the tool is to end.</summary>
    public CancellationToken Token => _end.Token;

    /// <summary>How long a verb may take to end by itself once it was asked to; one with work that others wait for takes longer than most.</summary>
    public TimeSpan Grace { get; set; } = TimeSpan.FromSeconds(2);

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
            _ = Task.Delay(Grace).ContinueWith(_ => _overdue.TrySetResult(), TaskScheduler.Default);
        }
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
}
