namespace Deepseek.Cli.Tests;

/// <summary>A conversion that is killed again and again, at any moment; and one that is asked to end.</summary>
public sealed class KilledConversionTests(KilledConversionTests.Large large) : IClassFixture<KilledConversionTests.Large>
{
    private const int Kills = 30;

    [Fact]
    public async Task Convert_KilledAtThirtyRandomMoments_GivesTheBytesOfAnUndisturbedOne()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no SIGKILL; what ends a process there is not the same.");
        using TemporaryFolder whole = new(), folder = new();
        (await ToolProcess.RunAsync([], "convert", large.Checkpoint, whole.File("store"), "--json")).AssertSuccess();
        var pages = (await ToolProcess.RunAsync([], "verify", whole.File("store"), "--json")).Objects.Single().GetProperty("pages").GetInt32();
        var (store, journal) = (folder.File("store"), new FileInfo(Path.Combine(folder.File("store"), "convert.journal")));
        var random = new Random(20250120);

        List<int> done = [0];
        for (var kill = 0; kill < Kills; kill++)
        {
            using var tool = ToolProcess.Start("convert", large.Checkpoint, store, "--threads", "1");
            var share = Math.Max(2, 2 * (pages - done[^1]) / (Kills + 4 - kill));
            // Some while it starts, looks at the checkpoint and reads back what is there; the others while it writes.
            var patience = kill % 5 == 4 ? TimeSpan.FromMilliseconds(random.Next(600)) : Timeout.InfiniteTimeSpan;
            await WaitForPagesAsync(tool, journal, done[^1] + random.Next(1, share), patience);
            await Task.Delay(random.Next(10), TestContext.Current.CancellationToken);
            tool.EndAtOnce();

            Assert.False(File.Exists(Path.Combine(store, "store.json")), $"Kill {kill} came when the conversion was over: {done[^1]} of {pages} pages were done before.");
            done.Add(Pages(journal.FullName));
        }

        (await ToolProcess.RunAsync([], "convert", large.Checkpoint, store, "--threads", "2", "--json")).AssertSuccess();

        Assert.Equal(done.Order(), done); // what is done stays done
        Assert.InRange(done.Distinct().Count(page => page > 0 && page < pages), Kills / 2, Kills); // killed at work, not before or after
        TestContext.Current.SendDiagnosticMessage("Pages done at each kill, of {0}: {1}", pages, string.Join(" ", done));
        AssertSameFiles(whole.File("store"), store);
        (await ToolProcess.RunAsync([], "verify", store, "--json")).AssertSuccess();
    }

    [Fact]
    public async Task Convert_Interrupted_ExitsWith130AndIsTakenUp()
    {
        ToolProcess.RequireInterrupts();
        using TemporaryFolder folder = new();
        var (store, journal) = (folder.File("store"), new FileInfo(Path.Combine(folder.File("store"), "convert.journal")));
        using var tool = ToolProcess.Start("convert", large.Checkpoint, store, "--threads", "1");
        await WaitForPagesAsync(tool, journal, 100, Timeout.InfiniteTimeSpan);

        tool.Interrupt();

        (await tool.FinishAsync()).AssertFault(DeepseekTool.Interrupted, "interrupted.");
        Assert.InRange(Pages(journal.FullName), 100, 800);
        (await ToolProcess.RunAsync([], "verify", store)).AssertFault(DeepseekTool.Fault, "The store is not finished: its conversion was interrupted. Give the same deepseek convert command again; what is complete is kept.");
        (await ToolProcess.RunAsync([], "convert", large.Checkpoint, store, "--json")).AssertSuccess();
        (await ToolProcess.RunAsync([], "verify", store, "--json")).AssertSuccess();
    }

    /// <summary>Waits until the journal has lines for so many pages, but not for ever.</summary>
    private static async Task WaitForPagesAsync(ToolProcess tool, FileInfo journal, int pages, TimeSpan patience)
    {
        const int title = 64;
        const int line = 47; // at least; the file is locked while it is written, so that its length must do
        var began = TimeProvider.System.GetTimestamp();
        for (journal.Refresh(); !tool.HasExited && (!journal.Exists || journal.Length < title + ((long)pages * line)); journal.Refresh())
        {
            if (patience != Timeout.InfiniteTimeSpan && TimeProvider.System.GetElapsedTime(began) > patience)
                return;
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }
    }

    private static int Pages(string journal) => File.Exists(journal) ? File.ReadAllLines(journal).Count(line => line.Split(' ') is { Length: 4 } parts && parts[3].Length == 8) : 0;

    private static void AssertSameFiles(string expected, string actual)
    {
        Assert.Equal(Names(expected), Names(actual));
        Assert.All(Names(expected), name => Assert.True(
            File.ReadAllBytes(Path.Combine(expected, name)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(actual, name))), $"{name} differs."));

        static IEnumerable<string> Names(string folder) => Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);
    }

    /// <summary>A checkpoint that is made once.</summary>
    public sealed class Large : IDisposable
    {
        private readonly TemporaryFolder _folder = new();

        public Large() => LargeCheckpoint.Write(_folder.Path);

        public string Checkpoint => _folder.Path;

        public void Dispose() => _folder.Dispose();
    }
}
