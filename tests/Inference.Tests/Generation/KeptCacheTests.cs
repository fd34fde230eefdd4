using Deepseek.Inference.Generation;
using Deepseek.Inference.Tests.Models;

namespace Deepseek.Inference.Tests.Generation;

/// <summary>A batcher's use of what earlier texts have left.</summary>
public sealed class KeptCacheTests(Nano nano)
{
    private Generator Generator => nano.Generator.Generator;

    private static int[] Prompt => Nano.Prompts.MaxBy(prompt => prompt.Length)!;

    [Fact]
    public async Task GenerateAsync_SamePromptAgain_ComputesItsLastTokenAlone()
    {
        await using var batcher = new ContinuousBatcher(Generator);
        var first = await Tokens.Collect(batcher.GenerateAsync(Request(9)));

        var second = await Tokens.Collect(batcher.GenerateAsync(Request(9)));

        Assert.Equal(first.Select(token => (token.Id, token.LogProbability)), second.Select(token => (token.Id, token.LogProbability)));
        Assert.Equal(Prompt.Length - 1, batcher.Statistics.CachedTokens);
        Assert.Equal(2, batcher.Statistics.KeptCaches); // the other's continuation was copied from, not taken
    }

    [Fact]
    public async Task GenerateAsync_ContinuedText_TakesItsCache()
    {
        await using var batcher = new ContinuousBatcher(Generator);
        var first = await Tokens.Collect(batcher.GenerateAsync(Request(20)));
        int[] longer = [.. Prompt, .. Tokens.Ids(first)[..^1], 5, 6, 7];

        var second = await Tokens.Collect(batcher.GenerateAsync(Request(10, longer)));

        Assert.Equal(Tokens.Ids(await Tokens.Collect(Generator.GenerateAsync(Request(10, longer)))), Tokens.Ids(second));
        Assert.Equal(Prompt.Length + 19, batcher.Statistics.CachedTokens);
        Assert.Equal(1, batcher.Statistics.KeptCaches);
    }

    [Fact]
    public async Task ReadAsync_SameOwner_CutsTheCacheBack()
    {
        await using var batcher = new ContinuousBatcher(Generator);

        for (var turn = 0; turn < 3; turn++)
        {
            await foreach (var token in batcher.ReadAsync(Request(20), "somebody", (_, token) => token, default))
            {
            }
        }

        Assert.Equal(1, batcher.Statistics.KeptCaches);
        Assert.Equal(2 * (Prompt.Length - 1), batcher.Statistics.CachedTokens);
    }

    [Fact]
    public async Task GenerateAsync_AlikeAtOnce_ComputeTheirCommonBeginningOnce()
    {
        await using var batcher = new ContinuousBatcher(Generator, new() { PromptTokens = 16 });
        int[] prompt = [.. Prompt, .. Prompt, .. Prompt];

        var replies = await Task.WhenAll(Enumerable.Range(0, 6).Select(seed => Tokens.Collect(batcher.GenerateAsync(Request(12, prompt, seed)))));

        for (var seed = 0; seed < 6; seed++)
            Assert.Equal(Tokens.Ids(await Tokens.Collect(Generator.GenerateAsync(Request(12, prompt, seed)))), Tokens.Ids(replies[seed]));
        Assert.Equal(5 * (prompt.Length - 1), batcher.Statistics.CachedTokens);
        Assert.Equal(prompt.Length + 5, batcher.Statistics.PromptTokens);
    }

    [Fact]
    public async Task GenerateAsync_NothingKept_ComputesAll()
    {
        await using var batcher = new ContinuousBatcher(Generator, new() { KeepCaches = false });
        await Tokens.Collect(batcher.GenerateAsync(Request(4)));

        await Tokens.Collect(batcher.GenerateAsync(Request(4)));

        Assert.Equal((0, 0), (batcher.Statistics.CachedTokens, batcher.Statistics.KeptCaches));
    }

    [Fact]
    public async Task GenerateAsync_LittleRoom_RunsOneAfterTheOtherAndKeepsWithinIt()
    {
        var limit = Prompt.Length + 300;
        await using var batcher = new ContinuousBatcher(Generator, new() { CacheTokens = limit });

        var replies = Enumerable.Range(0, 4).Select(seed => Tokens.Collect(batcher.GenerateAsync(Request(6, [.. Prompt[..^1], seed], seed)))).ToList();
        var most = 0;
        while (!replies.TrueForAll(reply => reply.IsCompleted))
        {
            most = Math.Max(most, batcher.Statistics.Running);
            Assert.True(batcher.Statistics.CacheTokens <= limit);
            await Task.Yield();
        }

        Assert.All(await Task.WhenAll(replies), reply => Assert.Equal(6, reply.Count));
        Assert.Equal(1, most);
        Assert.Equal(limit, batcher.Statistics.CacheTokensLimit);
    }

    [Fact]
    public async Task GenerateAsync_LongerThanAllRoom_RunsAlone()
    {
        await using var batcher = new ContinuousBatcher(Generator, new() { CacheTokens = 10 });

        Assert.Equal(6, (await Tokens.Collect(batcher.GenerateAsync(Request(6)))).Count);
        Assert.Equal(0, batcher.Statistics.KeptCaches);
    }

    private static GenerationRequest Request(int maxNew, int[]? prompt = null, int seed = 7) => new(prompt ?? Prompt, ContinuousBatcherTests.Seeded(seed, maxNew));
}
