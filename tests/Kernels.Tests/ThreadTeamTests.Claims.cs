namespace Deepseek.Inference.Kernels.Tests;

// Who gets which items.
public sealed partial class ThreadTeamTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(16)]
    public void Run_EverySecondWorker_ClaimsFromTheEnd(int threads)
    {
        using var team = new ThreadTeam(threads);
        var work = new Claims(items: 640, threads);

        team.Run(work.Workers.Length, work);

        Assert.Equal(Enumerable.Range(0, threads), work.Workers.Distinct().Order());
        Assert.Equal(work.Workers.OrderBy(worker => worker % 2).Select(worker => worker % 2), work.Workers.Select(worker => worker % 2));
        Assert.Equal(team.FrontWorkers, work.Workers.Where(worker => worker % 2 == 0).Distinct().Count());
        Assert.True(work.Workers.Last() % 2 == 1);
    }

    [Theory, MemberData(nameof(TeamSizes))]
    public void Run_LongRunsAndShortOnesByTurns_LoseAndRepeatNothing(int threads)
    {
        using var team = new ThreadTeam(threads);
        var work = new Tally(3000, threads);
        int[] counts = [3000, 1, 7, 200, 2];
        const int Rounds = 500; // workers come late to many of them, and would claim as much as of a longer run

        for (var round = 0; round < Rounds; round++)
        {
            team.Run(counts[round % counts.Length], work);
            if (round % 10 == 0)
                Assert.Throws<ArithmeticException>(() => team.Run(300, new Faulty(item => item % 100 == 50)));
        }

        for (var item = 0; item < 3000; item++)
            Assert.Equal(counts.Count(count => item < count) * (Rounds / counts.Length), work.Runs[item]);
    }

    /// <summary>Who ran each item; a worker's first one waits until every worker has one.</summary>
    private sealed class Claims(int items, int threads) : TeamWork
    {
        private readonly bool[] _came = new bool[threads];
        private int _count;

        public int[] Workers { get; } = [.. Enumerable.Repeat(-1, items)];

        public override void Run(int item, int worker)
        {
            Workers[item] = worker;
            if (_came[worker])
                return;

            _came[worker] = true;
            Interlocked.Increment(ref _count);
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref _count) == threads, TimeSpan.FromMinutes(1)), "A worker did not come.");
        }
    }
}
