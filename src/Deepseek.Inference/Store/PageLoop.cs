using System.Runtime.ExceptionServices;

namespace Deepseek.Inference.Store;

/// <summary>Work on many pages, on several threads; a fault of one is thrown as it is.</summary>
internal static class PageLoop
{
    /// <summary>Runs an action for every item, in about their order.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; items under way were finished.</exception>
    public static void Run<T>(IEnumerable<T> items, int threads, Action<T> action, CancellationToken cancellationToken)
    {
        try
        {
            // No chunks: pages may be few and large.
            var partitioner = System.Collections.Concurrent.Partitioner.Create(items, System.Collections.Concurrent.EnumerablePartitionerOptions.NoBuffering);
            Parallel.ForEach(partitioner, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellationToken }, action);
        }
        catch (AggregateException faults)
        {
            ExceptionDispatchInfo.Throw(faults.InnerExceptions[0]);
        }
    }
}
