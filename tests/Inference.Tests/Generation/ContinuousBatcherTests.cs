using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Sampling;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Generation;

public sealed class ContinuousBatcherTests(Nano nano)
{
    private Generator Generator => nano.Generator.Generator;

    [Theory]
    [InlineData(1, 1, true)]
    [InlineData(4, 5, true)] // prompts in pieces that fit nothing
    [InlineData(8, 1000, true)]
    [InlineData(8, 32, false)]
    public async Task GenerateAsync_ManyAtOnce_EachIsWhatItIsAlone(int batch, int promptTokens, bool keepCaches)
    {
        await using var batcher = new ContinuousBatcher(Generator, new() { MaxBatch = batch, PromptTokens = promptTokens, KeepCaches = keepCaches });
        var requests = Enumerable.Range(0, 24).Select(i => new GenerationRequest(Nano.Prompts[i % 10], Seeded(i, maxNew: 5 + (i * 7 % 20)))).ToList();

        var together = await Task.WhenAll(requests.Select(request => Tokens.Collect(batcher.GenerateAsync(request))));

        for (var i = 0; i < requests.Count; i++)
        {
            var alone = await Tokens.Collect(Generator.GenerateAsync(requests[i]));
            Assert.Equal(Tokens.Ids(alone), Tokens.Ids(together[i]));
            Assert.Equal(alone.Select(token => token.LogProbability), together[i].Select(token => token.LogProbability)); // bit by bit
            Assert.Equal(alone[^1].FinishReason, together[i][^1].FinishReason);
        }

        var statistics = batcher.Statistics;
        Assert.Equal((24, 0, 0), (statistics.Finished, statistics.Running, statistics.Waiting));
        Assert.Equal(requests.Sum(request => (long)request.Prompt.Length), statistics.PromptTokens + statistics.CachedTokens);
        Assert.Equal(together.Sum(tokens => tokens.Count), statistics.GeneratedTokens);
        Assert.True(batch == 1 || statistics.Passes < statistics.GeneratedTokens, "Sequences shared no pass.");
    }

    [Fact]
    public async Task GenerateAsync_SomeLeaveAtAnyToken_OthersAreUntouched()
    {
        await using var batcher = new ContinuousBatcher(Generator, new() { MaxBatch = 3, PromptTokens = 7 });
        var alone = await Tokens.Collect(Generator.GenerateAsync(Nano.Prompts[0], Seeded(1, 40)));

        var replies = Enumerable.Range(0, 30).Select(async i =>
        {
            var taken = new List<TokenResult>();
            await foreach (var token in batcher.GenerateAsync(new(Nano.Prompts[0], Seeded(1, 40))))
            {
                taken.Add(token);
                if (i % 3 != 0 && taken.Count > i % 11)
                    break;
            }

            return taken;
        });

        foreach (var taken in await Task.WhenAll(replies))
            Assert.Equal(Tokens.Ids(alone)[..taken.Count], Tokens.Ids(taken));
        await batcher.StopAsync();
        Assert.Equal((0, 0), (batcher.Statistics.Running, batcher.Statistics.Waiting));
        Assert.Equal(30, batcher.Statistics.Finished + batcher.Statistics.Cancelled);
        Assert.True(batcher.Statistics.Finished >= 10, $"{batcher.Statistics.Finished} of the ten that stayed finished.");
    }

    [Fact]
    public async Task GenerateAsync_Cancelled_EndsAndTheNextIsServed()
    {
        await using var batcher = new ContinuousBatcher(Generator);
        using var cancellation = new CancellationTokenSource();
        var tokens = batcher.GenerateAsync(new(Nano.Prompts[0], Seeded(1, 1000)), cancellation.Token).GetAsyncEnumerator();
        Assert.True(await tokens.MoveNextAsync());

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            while (await tokens.MoveNextAsync())
            {
            }
        });
        Assert.Single(await Tokens.Collect(batcher.GenerateAsync(new(Nano.Prompts[0], Seeded(1, 1)))));
    }

    [Fact]
    public async Task GenerateAsync_QueueFull_IsRefusedAndServedLater()
    {
        await using var batcher = new ContinuousBatcher(Generator, new() { MaxBatch = 1, MaxQueue = 1, PreparedAhead = 0 });
        using var hold = new ManualResetEventSlim();
        var held = new GenerationRequest(Nano.Prompts[0], new() { MaxNewTokens = 2, Chain = Chain(() => hold.Wait()) });
        var first = Tokens.Collect(batcher.GenerateAsync(held));
        await Until(() => batcher.Statistics is { Running: 1, Passes: 1 });
        var second = Tokens.Collect(batcher.GenerateAsync(new(Nano.Prompts[1], Seeded(1, 2))));

        var fault = await Assert.ThrowsAsync<QueueFullException>(() => Tokens.Collect(batcher.GenerateAsync(new(Nano.Prompts[2], Seeded(1, 2)))));
        hold.Set();

        Assert.Equal("1 requests wait already, which is the limit (BatchingOptions.MaxQueue). Try again later, or raise the limit.", fault.Message);
        Assert.Equal(1, fault.Waiting);
        Assert.Equal(1, batcher.Statistics.Refused);
        Assert.Equal(2, (await first).Count);
        Assert.Equal(2, (await second).Count);
    }

    [Fact]
    public async Task GenerateAsync_FaultOfOne_EndsThatOneAlone()
    {
        await using var batcher = new ContinuousBatcher(Generator);
        var alone = await Tokens.Collect(Generator.GenerateAsync(Nano.Prompts[1], Seeded(3, 20)));

        var failing = Tokens.Collect(batcher.GenerateAsync(new(Nano.Prompts[0], new() { Chain = Chain(() => throw new InvalidDataException("mine")) })));
        var other = Tokens.Collect(batcher.GenerateAsync(new(Nano.Prompts[1], Seeded(3, 20))));

        Assert.Equal("mine", (await Assert.ThrowsAsync<InvalidDataException>(() => failing)).Message);
        Assert.Equal(Tokens.Ids(alone), Tokens.Ids(await other));
        Assert.Equal((1, 1), (batcher.Statistics.Failed, batcher.Statistics.Finished));
    }

    [Fact]
    public async Task GenerateAsync_CallersCache_IsExactAndFreeAfterwards()
    {
        await using var batcher = new ContinuousBatcher(Generator);
        using var cache = nano.Model.CreateCache();

        await foreach (var token in batcher.GenerateAsync(new(Nano.Prompts[0], Seeded(1, 1000), cache)))
            break;

        Assert.Equal(Nano.Prompts[0], cache.Ids.Take(Nano.Prompts[0].Length));
        cache.Truncate(Nano.Prompts[0].Length - 1);
        var rest = await Tokens.Collect(batcher.GenerateAsync(new(Nano.Prompts[0].AsMemory()[^1..], Seeded(1, 8), cache)));
        Assert.Equal(Tokens.Ids(await Tokens.Collect(Generator.GenerateAsync(Nano.Prompts[0], Seeded(1, 8)))), Tokens.Ids(rest));
    }

    [Fact]
    public async Task StopAsync_RepliesUnderWay_AreFinishedAndNewOnesRefused()
    {
        await using var batcher = new ContinuousBatcher(Generator);
        var under = batcher.GenerateAsync(new(Nano.Prompts[0], Seeded(1, 60))).GetAsyncEnumerator();
        await under.MoveNextAsync();

        var stopping = batcher.StopAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => Tokens.Collect(batcher.GenerateAsync(new(Nano.Prompts[0], Seeded(1, 2)))));
        var count = 1;
        while (await under.MoveNextAsync())
            count++;
        await stopping;
        Assert.Equal((await Tokens.Collect(Generator.GenerateAsync(Nano.Prompts[0], Seeded(1, 60)))).Count, count);
    }

    [Fact]
    public async Task DisposeAsync_RepliesUnderWay_EndAtOnce()
    {
        var batcher = new ContinuousBatcher(Generator, new() { MaxBatch = 1, PreparedAhead = 0 });
        var running = Tokens.Collect(batcher.GenerateAsync(new(Nano.Prompts[0], new() { EndTokens = [] })));
        var waiting = Tokens.Collect(batcher.GenerateAsync(new(Nano.Prompts[1], new() { EndTokens = [] })));
        await Until(() => batcher.Statistics is { Passes: > 3 });

        await batcher.DisposeAsync();

        Assert.IsAssignableFrom<Exception>(await Record.ExceptionAsync(() => running));
        Assert.IsType<ObjectDisposedException>(await Record.ExceptionAsync(() => waiting));
        await batcher.DisposeAsync();
    }

    [Fact]
    public void GenerateAsync_BadRequest_IsRefusedByTheCallItself()
    {
        var batcher = new ContinuousBatcher(Generator);

        Assert.StartsWith("The prompt has no tokens", Assert.Throws<ArgumentException>(() => batcher.GenerateAsync(new(Array.Empty<int>()))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => batcher.GenerateAsync(new(new[] { 1_000_000 })));
        Assert.Throws<ArgumentNullException>(() => batcher.GenerateAsync(null!));
    }

    [Fact]
    public void Validate_EveryFault_IsNamedInOneMessage()
    {
        var options = new BatchingOptions { MaxBatch = 0, MaxQueue = -1, PreparedAhead = 2000, PromptTokens = 0, CacheTokens = 0 };

        var fault = Assert.Throws<ArgumentException>(() => new ContinuousBatcher(Generator, options));

        Assert.Equal(
            "BatchingOptions: MaxBatch is 0; it must be 1 to 1024. MaxQueue is -1; it must be 0 to 1000000. PreparedAhead is 2000; it must be 0 to 1024. PromptTokens is 0; it must be at least 1. CacheTokens is 0; it must be at least 1.",
            fault.Message);
    }

    internal static GenerationOptions Seeded(int seed, int maxNew) => new() { MaxNewTokens = maxNew, Sampling = new() { Seed = seed, Temperature = 1.2 }, EndTokens = [] };

    internal static async Task Until(Func<bool> condition)
    {
        while (!condition())
            await Task.Delay(5, TestContext.Current.CancellationToken);
    }

    private static SamplerChain Chain(Action look) => new([new Observing((in SamplingContext _) => look())], new GreedySampler());
}
