using System.Collections.Concurrent;

namespace Deepseek.Inference.Generation;

/// <summary>One thread that runs what it is given, in order.</summary>
/// <remarks>
/// libtorch keeps a team of worker threads for every thread that calls it: steps that hopped over the thread pool would leave one team on each
/// of its threads.
/// </remarks>
internal sealed class WorkThread : IAsyncDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public WorkThread(string name) => new Thread(Run) { IsBackground = true, Name = name }.Start();

    /// <summary>Runs a function on the thread.</summary>
    public Task<T> Run<T>(Func<T> function)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                result.SetResult(function());
            }
            catch (OperationCanceledException e)
            {
                result.SetCanceled(e.CancellationToken);
            }
#pragma warning disable CA1031 // every fault belongs to whoever awaits the result
            catch (Exception e)
#pragma warning restore CA1031
            {
                result.SetException(e);
            }
        });
        return result.Task;
    }

    /// <summary>Ends the thread when its work is done.</summary>
    public async ValueTask DisposeAsync()
    {
        _work.CompleteAdding();
        await _ended.Task.ConfigureAwait(false);
        _work.Dispose();
    }

    private void Run()
    {
        foreach (var action in _work.GetConsumingEnumerable())
            action();
        _ended.SetResult();
    }
}
