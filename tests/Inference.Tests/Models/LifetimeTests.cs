using Deepseek.Inference.Models;

namespace Deepseek.Inference.Tests.Models;

public sealed class LifetimeTests
{
    private int _released;

    [Fact]
    public void Dispose_NobodyInside_ReleasesAtOnceAndOnce()
    {
        var lifetime = Create();

        lifetime.Dispose();
        lifetime.Dispose();

        Assert.Equal(1, _released);
    }

    [Fact]
    public void Dispose_CallsUnderWay_LeavesTheReleaseToTheLast()
    {
        var lifetime = Create();
        var (first, second) = (lifetime.Enter(), lifetime.Enter());

        lifetime.Dispose();
        first.Dispose();

        Assert.Equal(0, _released);
        Assert.Throws<ObjectDisposedException>(() => lifetime.Enter());
        second.Dispose();
        Assert.Equal(1, _released);
    }

    [Fact]
    public void Enter_ManyThreads_ReleaseHappensOnceAndLast()
    {
        var lifetime = Create();
        var inside = 0;
        var refused = 0;

        Parallel.For(0, 2000, i =>
        {
            if (i == 1000)
                lifetime.Dispose();
            try
            {
                using var lease = lifetime.Enter();
                Interlocked.Increment(ref inside);
                Assert.Equal(0, Volatile.Read(ref _released));
                Interlocked.Decrement(ref inside);
            }
            catch (ObjectDisposedException)
            {
                Interlocked.Increment(ref refused);
            }
        });

        Assert.Equal((1, 0), (_released, inside));
        Assert.True(refused >= 1); // at least the one that disposed
    }

    private Lifetime Create() => new(this, () => Interlocked.Increment(ref _released));
}
