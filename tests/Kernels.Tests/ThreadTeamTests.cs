using Deepseek.Inference.Tests;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Kernels.Tests;

public sealed partial class ThreadTeamTests
{
    public static TheoryData<int> TeamSizes => [1, 2, 3, 5, 16];

    [Theory, MemberData(nameof(TeamSizes))]
    public void Run_AnyCount_RunsEveryItemOnceByAWorkerOfTheTeam(int threads)
    {
        using var team = new ThreadTeam(threads);
        Assert.Equal(threads, team.Threads);

        var property = Prop.ForAll(Gen.Choose(0, 3000).ToArbitrary(), count =>
        {
            var work = new Tally(count, threads);

            team.Run(count, work);

            return work.Runs.All(runs => runs == 1) && work.Total == count;
        });

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(200), property);
    }

    [Theory, MemberData(nameof(TeamSizes))]
    public void Run_ManyShortRunsOneAfterTheOther_LoseAndRepeatNothing(int threads)
    {
        using var team = new ThreadTeam(threads);
        var work = new Tally(7, threads);
        const int Rounds = 20_000; // workers come late to many of them, with the counters of an earlier run in hand

        for (var round = 0; round < Rounds; round++)
            team.Run(1 + (round % 7), work);

        for (var item = 0; item < 7; item++)
            Assert.Equal(Enumerable.Range(0, Rounds).Count(round => item <= round % 7), work.Runs[item]);
    }

    [Fact]
    public void Run_AfterTheMembersFellAsleep_WakesThem()
    {
        using var team = new ThreadTeam(3);
        for (var round = 0; round < 20; round++)
        {
            Thread.Sleep(2); // 40 times as long as a worker looks for work

            var work = new Meeting(3);
            team.Run(3, work); // returns only if all three workers come

            Assert.Equal(3, work.Came);
        }
    }

    [Fact]
    public void Run_WorkerIsHeldUp_OthersTakeItsShare()
    {
        using var team = new ThreadTeam(2);
        var work = new FirstItemWaitsForOthers(items: 64, others: 64 * 7 / 8); // whoever claims it claims a quarter of a worker's share

        team.Run(work.Items, work); // a fixed share of half the items would wait for ever

        Assert.True(work.Finished);
    }

    [Theory, MemberData(nameof(TeamSizes))]
    public void Run_ItemFaults_ThrowsItAndTheTeamStaysUsable(int threads)
    {
        using var team = new ThreadTeam(threads);
        foreach (var faulty in new[] { 0, 1, 50, 99 })
        {
            var fault = Assert.Throws<ArithmeticException>(() => team.Run(100, new Faulty(item => item == faulty)));
            Assert.Equal($"item {faulty}", fault.Message);
        }

        var work = new Tally(100, threads);
        team.Run(100, work);
        Assert.All(work.Runs, runs => Assert.Equal(1, runs));
    }

    [Theory, MemberData(nameof(TeamSizes))]
    public void Run_EveryItemFaults_ThrowsOneOfThem(int threads)
    {
        using var team = new ThreadTeam(threads);

        for (var round = 0; round < 100; round++)
            Assert.Throws<ArithmeticException>(() => team.Run(10, new Faulty(_ => true)));
    }

    [Theory, MemberData(nameof(TeamSizes))]
    public void Run_WithinAnItem_RunsInlineAsTheItemsWorker(int threads)
    {
        using var team = new ThreadTeam(threads);
        var work = new NestedTeamWork(team, inner: 9, threads);

        team.Run(40, work);

        Assert.Equal(40 * 9, work.Inner);
        Assert.False(work.OtherWorkerSeen);
    }

    [Fact]
    public void Run_WithinAnItemOfAnotherTeam_SaysWhichToCall()
    {
        using var outer = new ThreadTeam(2);
        using var inner = new ThreadTeam(2);

        var fault = Assert.Throws<InvalidOperationException>(() => outer.Run(4, new NestedTeamWork(inner, inner: 4, threads: 2)));

        Assert.Equal("An item of a team's work calls another team; call the team that runs the item.", fault.Message);
    }

    [Theory, MemberData(nameof(TeamSizes))]
    public void Run_CallersAtOnce_QueueUp(int threads)
    {
        using var team = new ThreadTeam(threads);
        var busy = new int[threads]; // one for all, so that two runs at a time would be seen
        var works = Enumerable.Range(0, 4).Select(_ => new Tally(50, busy)).ToArray();

        Thread[] callers = [.. works.Select(work => new Thread(() =>
        {
            for (var round = 0; round < 200; round++)
                team.Run(50, work);
        }))];
        foreach (var caller in callers)
            caller.Start();
        foreach (var caller in callers)
            caller.Join();

        Assert.All(works, work => Assert.All(work.Runs, runs => Assert.Equal(200, runs)));
        Assert.All(works, work => Assert.False(work.WorkerMetItself));
    }

    [Fact]
    public void Run_AfterTheFirst_AllocatesNothing()
    {
        using var team = new ThreadTeam(3);
        var work = new Tally(64, 3);

        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            for (var round = 0; round < 100; round++)
                team.Run(64, work);
        }));
    }

    [Theory, MemberData(nameof(TeamSizes))]
    public void Dispose_Twice_EndsTheThreadsOnce(int threads)
    {
        var team = new ThreadTeam(threads);
        var work = new Tally(64, threads);
        team.Run(64, work);

        team.Dispose();
        team.Dispose();

        Assert.Throws<ObjectDisposedException>(() => team.Run(1, work));
        Assert.Throws<ObjectDisposedException>(() => team.Run(0, work));
    }

    [Fact]
    public void Dispose_MembersAsleepOrNeverUsed_Returns()
    {
        for (var round = 0; round < 50; round++)
        {
            var team = new ThreadTeam(4);
            if (round % 2 == 0)
                Thread.Sleep(1);

            team.Dispose();
        }
    }

    [Fact]
    public void Dispose_WithinAnItem_SaysSo()
    {
        using var team = new ThreadTeam(2);

        var fault = Assert.Throws<InvalidOperationException>(() => team.Run(4, new Faulty(_ =>
        {
            team.Dispose();
            return false;
        })));

        Assert.Equal("An item of a team's work disposes of the team; do so after Run has returned.", fault.Message);
    }

    [Fact]
    public void Constructor_ThreadsOutOfRange_NamesTheRange()
    {
        Assert.Throws<ArgumentOutOfRangeException>("threads", () => new ThreadTeam(0));
        var fault = Assert.Throws<ArgumentOutOfRangeException>("threads", () => new ThreadTeam(257));

        Assert.StartsWith("A team has 1 to 256 threads, one for each processor that may compute.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_WrongArguments_Throws()
    {
        using var team = new ThreadTeam(2);

        Assert.Throws<ArgumentOutOfRangeException>("count", () => team.Run(-1, new Tally(1, 2)));
        Assert.Throws<ArgumentNullException>("work", () => team.Run(1, null!));
    }

    /// <summary>Counts how often each item runs, and whether a worker ever runs two at once.</summary>
    private sealed class Tally(int items, int[] busy) : TeamWork
    {
        private int _total;

        public Tally(int items, int threads)
            : this(items, new int[threads])
        {
        }

        public int[] Runs { get; } = new int[items];

        public int Total => _total;

        public bool WorkerMetItself { get; private set; }

        public override void Run(int item, int worker)
        {
            if (Interlocked.Exchange(ref busy[worker], 1) != 0)
                WorkerMetItself = true;
            Interlocked.Increment(ref Runs[item]);
            Interlocked.Increment(ref _total);
            Interlocked.Exchange(ref busy[worker], 0);
        }
    }

    private sealed class Meeting(int workers) : TeamWork
    {
        private int _came;

        public int Came => _came;

        public override void Run(int item, int worker)
        {
            Interlocked.Increment(ref _came);
            SpinWait.SpinUntil(() => Volatile.Read(ref _came) == workers);
        }
    }

    private sealed class FirstItemWaitsForOthers(int items, int others) : TeamWork
    {
        private int _done;

        public int Items => items;

        public bool Finished { get; private set; }

        public override void Run(int item, int worker)
        {
            if (item != 0)
            {
                Interlocked.Increment(ref _done);
                return;
            }

            SpinWait.SpinUntil(() => Volatile.Read(ref _done) >= others);
            Finished = true;
        }
    }

    private sealed class Faulty(Func<int, bool> faults) : TeamWork
    {
        public override void Run(int item, int worker)
        {
            if (faults(item))
                throw new ArithmeticException($"item {item}");
        }
    }
}
