namespace Deepseek.Inference.Tests;

/// <summary>What a thread leaves to the collector.</summary>
internal static class Allocations
{
    private const int Attempts = 10;

    /// <summary>Bytes that an action allocates in this thread once it has run: the least of several attempts, since a collection in between, for another test, counts what the thread had in reserve. What an action does now and then must happen within each.</summary>
    public static long LeastOf(Action action)
    {
        action();
        var least = long.MaxValue;
        for (var attempt = 0; attempt < Attempts && least > 0; attempt++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            action();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
