namespace Deepseek.Inference.Kernels.Tests;

/// <summary>Work whose items run further work on the same team.</summary>
internal sealed class NestedTeamWork(ThreadTeam team, int inner, int threads) : TeamWork
{
    private int _inner;

    public int Inner => _inner;

    public bool OtherWorkerSeen { get; private set; }

    public override void Run(int item, int worker)
    {
        team.Run(inner, new InnerWork(this, worker));
        Assert.InRange(worker, 0, threads - 1);
    }

    private sealed class InnerWork(NestedTeamWork outer, int outerWorker) : TeamWork
    {
        public override void Run(int item, int worker)
        {
            Interlocked.Increment(ref outer._inner);
            outer.OtherWorkerSeen |= worker != outerWorker;
        }
    }
}
