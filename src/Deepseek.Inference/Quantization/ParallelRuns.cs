using System.Runtime.ExceptionServices;

namespace Deepseek.Inference.Quantization;

/// <summary>Work on all cores, in runs of consecutive items.</summary>
internal static class ParallelRuns
{
    /// <summary>Calls an action for every run; a fault of one is thrown as it is.</summary>
    /// <param name="items">How many items there are.</param>
    /// <param name="run">Items of a run; the last may be shorter.</param>
    /// <param name="action">Receives the first item of a run and how many it has.</param>
    /// <param name="cancellationToken">Ends the work between two runs.</param>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public static void ForEach(int items, int run, Action<int, int> action, CancellationToken cancellationToken = default)
    {
        var options = new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = Environment.ProcessorCount };
        try
        {
            Parallel.For(0L, ((long)items + run - 1) / run, options, i =>
            {
                var first = (int)(i * run);
                action(first, Math.Min(run, items - first));
            });
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }
}
