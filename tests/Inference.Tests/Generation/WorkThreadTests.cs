using Deepseek.Inference.Generation;

namespace Deepseek.Inference.Tests.Generation;

public sealed class WorkThreadTests
{
    [Fact]
    public async Task Run_SeveralFunctions_ShareOneThreadThatIsNotTheCallers()
    {
        await using var thread = new WorkThread("test");

        var ids = new List<int>();
        for (var i = 0; i < 5; i++)
            ids.Add(await thread.Run(() => Environment.CurrentManagedThreadId));
        var name = await thread.Run(() => Thread.CurrentThread.Name);

        Assert.Single(ids.Distinct());
        Assert.Equal("test", name);
        Assert.False(await thread.Run(() => Thread.CurrentThread.IsThreadPoolThread));
    }

    [Fact]
    public async Task Run_Failing_GivesTheErrorToTheCallerAndWorksOn()
    {
        await using var thread = new WorkThread("test");

        var fault = await Assert.ThrowsAsync<IOException>(() => thread.Run<int>(() => throw new IOException("the disk")));

        Assert.Equal("the disk", fault.Message);
        Assert.Equal(3, await thread.Run(() => 3));
    }

    [Fact]
    public async Task Run_Cancelled_CancelsTheTask()
    {
        await using var thread = new WorkThread("test");
        var token = new CancellationToken(canceled: true);

        var task = thread.Run(() =>
        {
            token.ThrowIfCancellationRequested();
            return 0;
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task);
        Assert.True(task.IsCanceled);
    }

    [Fact]
    public async Task DisposeAsync_EndsTheThread()
    {
        var thread = new WorkThread("test");
        var worker = await thread.Run(() => Thread.CurrentThread);

        await thread.DisposeAsync();
        worker.Join(TimeSpan.FromSeconds(30));

        Assert.False(worker.IsAlive);
    }
}
