using Deepseek.Inference.Generation;
using Deepseek.Inference.Sampling;
using Deepseek.Inference.Tests.Models;
using static Deepseek.Inference.Tests.Generation.Tokens;

namespace Deepseek.Inference.Tests.Generation;

public sealed class GeneratorTests(Nano nano)
{
    private static readonly GenerationOptions Greedy = new() { Sampling = new() { Temperature = 0 }, MaxNewTokens = 24 };

    private static readonly GenerationOptions Warm = new() { Sampling = new() { Temperature = 0.8, TopP = 1, Seed = 4711 }, MaxNewTokens = 40 };

    private Generator Generator => nano.Generator.Generator;

    [Fact]
    public async Task GenerateAsync_Greedy_EqualsAManualLoop()
    {
        var prompt = Nano.Prompts[1];
        var expected = new List<int>();
        using var cache = nano.Model.CreateCache();
        for (var next = prompt; expected.Count < 24; next = [expected[^1]])
        {
            var row = Fixture.Logits(nano.Model, cache, next);
            expected.Add(row.AsSpan().IndexOf(row.Max()));
        }

        var tokens = await Collect(Generator.GenerateAsync(prompt, Greedy));

        Assert.Equal(expected, tokens.Select(token => token.Id));
        Assert.Equal(FinishReason.Length, tokens[^1].FinishReason);
        Assert.All(tokens[..^1], token => Assert.Null(token.FinishReason));
        Assert.All(tokens, token => Assert.False(token.IsEnd));
        Assert.All(tokens, token => Assert.True(token.Elapsed > TimeSpan.Zero));
    }

    [Fact]
    public async Task GenerateAsync_SameSeed_SameTokensAloneAndInABatch()
    {
        int[][] prompts = [.. new[] { "The king", "In the morning of the second day they", "Love is", "When I was", "O, my lord, what" }.Select(nano.Prose)];
        Assert.True(prompts.Select(prompt => prompt.Length).Distinct().Count() > 2, "The prompts must be unequal.");
        var alone = new List<int[]>();
        foreach (var prompt in prompts)
            alone.Add(Ids(await Collect(Generator.GenerateAsync(prompt, Warm))));

        var again = Ids(await Collect(Generator.GenerateAsync(prompts[0], Warm)));
        var other = Ids(await Collect(Generator.GenerateAsync(prompts[0], Warm with { Sampling = Warm.Sampling with { Seed = 4712 } })));
        var together = await CollectBatch(Generator.GenerateBatchAsync([.. prompts.Select(prompt => new GenerationRequest(prompt, Warm))], 3), prompts.Length);

        Assert.Equal(alone[0], again);
        Assert.NotEqual(alone[0], other);
        Assert.Equal(alone, together.Select(Ids));
    }

    [Fact]
    public async Task GenerateAsync_NoSeed_DiffersFromRunToRun()
    {
        var options = new GenerationOptions { Sampling = new() { Temperature = 2, TopP = 1 }, MaxNewTokens = 30 };

        var first = Ids(await Collect(Generator.GenerateAsync(Nano.Prompts[0], options)));
        var second = Ids(await Collect(Generator.GenerateAsync(Nano.Prompts[0], options)));

        Assert.NotEqual(first, second);
    }

    [Fact]
    public async Task GenerateAsync_EndToken_EndsAndIsMarked()
    {
        var tokens = await Collect(Generator.GenerateAsync(Nano.Prompts[0], Greedy with { MaxNewTokens = 200 }));

        Assert.Equal((1, true, FinishReason.Stop), (tokens[^1].Id, tokens[^1].IsEnd, tokens[^1].FinishReason));
        Assert.DoesNotContain(1, Ids(tokens)[..^1]);
    }

    [Fact]
    public async Task GenerateAsync_NoEndTokens_GoesOn()
    {
        var stopped = await Collect(Generator.GenerateAsync(Nano.Prompts[0], Greedy with { MaxNewTokens = 200 }));

        var tokens = await Collect(Generator.GenerateAsync(Nano.Prompts[0], Greedy with { EndTokens = [], MaxNewTokens = stopped.Count + 3 }));

        Assert.Equal(Ids(stopped), Ids(tokens)[..stopped.Count]);
        Assert.Equal((stopped.Count + 3, FinishReason.Length), (tokens.Count, tokens[^1].FinishReason));
    }

    [Fact]
    public async Task GenerateAsync_OwnEndTokens_ReplaceTheModels()
    {
        var plain = Ids(await Collect(Generator.GenerateAsync(Nano.Prompts[1], Greedy)));

        var tokens = await Collect(Generator.GenerateAsync(Nano.Prompts[1], Greedy with { EndTokens = [plain[5]] }));

        Assert.Equal(plain[..(Array.IndexOf(plain, plain[5]) + 1)], Ids(tokens));
        Assert.True(tokens[^1].IsEnd);
    }

    [Theory]
    [InlineData(StopDecision.StopBefore, true)]
    [InlineData(StopDecision.StopAfter, false)]
    public async Task GenerateAsync_StopRule_EndsBeforeOrAfterItsToken(StopDecision decision, bool isEnd)
    {
        var rule = new AfterTokens(4, decision);

        var tokens = await Collect(Generator.GenerateAsync(Nano.Prompts[1], Greedy with { StopRules = [rule, new AfterTokens(4, StopDecision.StopBefore)] }));

        Assert.Equal((4, isEnd, FinishReason.Stop), (tokens.Count, tokens[^1].IsEnd, tokens[^1].FinishReason));
        Assert.Equal(1, rule.Begun);
    }

    [Fact]
    public async Task GenerateAsync_StopAtTheLastAllowedToken_CountsAsStop()
    {
        var tokens = await Collect(Generator.GenerateAsync(Nano.Prompts[1], Greedy with { MaxNewTokens = 4, StopRules = [new AfterTokens(4, StopDecision.StopAfter)] }));

        Assert.Equal(FinishReason.Stop, tokens[^1].FinishReason);
    }

    [Fact]
    public async Task GenerateAsync_Results_CarryTheModelsLogProbabilities()
    {
        var options = Warm with { MaxNewTokens = 6, Alternatives = 3, Sampling = Warm.Sampling with { Temperature = 1.5, TopK = 2 } };

        var tokens = await Collect(Generator.GenerateAsync(Nano.Prompts[1], options));

        using var cache = nano.Model.CreateCache();
        var next = Nano.Prompts[1];
        foreach (var token in tokens)
        {
            var row = Array.ConvertAll(Fixture.Logits(nano.Model, cache, next), logit => (double)logit);
            var logSum = Math.Log(row.Sum(logit => Math.Exp(logit - row.Max()))) + row.Max();
            var best = row.Select((logit, id) => (Id: id, LogProbability: logit - logSum)).OrderByDescending(one => one.LogProbability).Take(3).ToArray();

            Assert.Equal(row[token.Id] - logSum, token.LogProbability, 1e-9); // under the model: neither temperature nor filters count
            Assert.Equal(best.Select(one => one.Id), token.Alternatives.Select(one => one.Id));
            Assert.All(best.Zip(token.Alternatives), pair => Assert.Equal(pair.First.LogProbability, pair.Second.LogProbability, 1e-9));
            next = [token.Id];
        }
    }

    [Fact]
    public async Task GenerateAsync_OwnChain_IsUsedWithTheSeed()
    {
        var chain = new SamplerChain([new LogitBias(new Dictionary<int, float> { [77] = 1000 })], new MultinomialSampler());

        var tokens = await Collect(Generator.GenerateAsync(Nano.Prompts[1], Warm with { Chain = chain, MaxNewTokens = 3 }));

        Assert.Equal([77, 77, 77], Ids(tokens));
    }

    [Fact]
    public async Task GenerateAsync_UnsetSettings_ComeFromTheModelsFile()
    {
        Assert.Equal((0.6, 0.95), (Generator.Defaults.Temperature, Generator.Defaults.TopP));
        var seeded = new GenerationOptions { Sampling = new() { Seed = 5 }, MaxNewTokens = 40 };
        var stated = seeded with { Sampling = seeded.Sampling with { Temperature = 0.6, TopP = 0.95 } };

        var byFile = Ids(await Collect(Generator.GenerateAsync(Nano.Prompts[50], seeded)));
        var byHand = Ids(await Collect(new Generator(nano.Model, GenerationDefaults.None).GenerateAsync(Nano.Prompts[50], stated)));
        var greedyByDefault = Ids(await Collect(new Generator(nano.Model, new GenerationDefaults { Temperature = 0 }).GenerateAsync(Nano.Prompts[1], new GenerationOptions { MaxNewTokens = 24 })));

        Assert.Equal(byHand, byFile);
        Assert.Equal(Ids(await Collect(Generator.GenerateAsync(Nano.Prompts[1], Greedy))), greedyByDefault);
    }

    [Fact]
    public async Task GenerateBatchAsync_MoreSequencesThanPlaces_JoinAsPlacesBecomeFree()
    {
        var lengths = new[] { 9, 2, 5, 1, 7 };
        var requests = lengths.Select((length, i) => new GenerationRequest(Nano.Prompts[i], Greedy with { MaxNewTokens = length, EndTokens = [] })).ToArray();
        var alone = new List<int[]>();
        foreach (var request in requests)
            alone.Add(Ids(await Collect(Generator.GenerateAsync(request))));
        var active = new HashSet<int>();
        var most = 0;

        var tokens = new List<TokenResult>[] { [], [], [], [], [] };
        await foreach (var (index, token) in Generator.GenerateBatchAsync(requests, 2))
        {
            tokens[index].Add(token);
            active.Add(index);
            most = Math.Max(most, active.Count);
            if (token.FinishReason is not null)
                active.Remove(index);
        }

        Assert.Equal(lengths, tokens.Select(sequence => sequence.Count));
        Assert.Equal(alone, tokens.Select(Ids));
        Assert.Equal(2, most);
    }

    [Fact]
    public async Task GenerateBatchAsync_NoRequests_GivesNothing() => Assert.Empty(await CollectBatch(Generator.GenerateBatchAsync([]), 0));

    /// <summary>Stops at the n-th token.</summary>
    private sealed class AfterTokens(int count, StopDecision decision) : StopRule
    {
        public int Begun { get; private set; }

        public override IStopScan Begin()
        {
            Begun++;
            return new Scan(count, decision);
        }

        private sealed class Scan(int left, StopDecision decision) : IStopScan
        {
            private int _left = left;

            public StopDecision Accept(int token) => --_left == 0 ? decision : StopDecision.Continue;
        }
    }
}
