using Deepseek.Inference.Generation;
using Deepseek.Inference.Models;
using Deepseek.Inference.Sampling;
using Deepseek.Inference.Tests.Models;

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
    public async Task GenerateAsync_CachedBeginning_ChangesNothing()
    {
        // The penalty looks at the whole text, wherever it begins to be computed.
        var seen = new List<int[]>();
        var options = Greedy with { Sampling = Greedy.Sampling with { RepetitionPenalty = 1.5, Processors = [new Observing((in context) => seen.Add(context.Prompt.ToArray()))] } };
        var prompt = nano.Prose("In the morning of the second day they");
        using var cache = nano.Model.CreateCache();
        Fixture.Logits(nano.Model, cache, prompt[..7]);

        var whole = await Collect(Generator.GenerateAsync(prompt, options));
        var continued = await Collect(Generator.GenerateAsync(new GenerationRequest(prompt.AsMemory(7), options, cache)));

        Assert.Equal(Ids(whole), Ids(continued));
        Assert.NotEqual(Ids(await Collect(Generator.GenerateAsync(prompt, Greedy))), Ids(whole));
        Assert.All(seen, one => Assert.Equal(prompt, one));
        Assert.Equal([.. prompt, .. Ids(continued)[..^1]], cache.Ids); // the caller's, and all but the last token
    }

    [Fact]
    public async Task GenerateAsync_SamePassTwice_StartsAnew()
    {
        var tokens = Generator.GenerateAsync(Nano.Prompts[1], Greedy);

        Assert.Equal(Ids(await Collect(tokens)), Ids(await Collect(tokens)));
    }

    [Fact]
    public async Task GenerateAsync_LeftEarly_LeavesACallersCacheExact()
    {
        using var cache = nano.Model.CreateCache();
        var generated = new List<int>();

        await foreach (var token in Generator.GenerateAsync(new GenerationRequest(Nano.Prompts[1], Greedy, cache)))
        {
            generated.Add(token.Id);
            if (generated.Count == 3)
                break;
        }

        Assert.Equal([.. Nano.Prompts[1], .. generated[..^1]], cache.Ids);
        var rest = await Collect(Generator.GenerateAsync(new GenerationRequest(new[] { generated[^1] }, Greedy with { MaxNewTokens = 21 }, cache)));
        Assert.Equal(Ids(await Collect(Generator.GenerateAsync(Nano.Prompts[1], Greedy))), generated.Concat(Ids(rest)));
    }

    [Fact]
    public async Task GenerateAsync_CancelledBetweenTokens_EndsAndLeavesTheCacheExact()
    {
        using var cancellation = new CancellationTokenSource();
        using var cache = nano.Model.CreateCache();
        var generated = new List<int>();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var token in Generator.GenerateAsync(new GenerationRequest(Nano.Prompts[1], Greedy, cache), cancellation.Token))
            {
                generated.Add(token.Id);
                if (generated.Count == 4)
                    await cancellation.CancelAsync();
            }
        });

        Assert.Equal(4, generated.Count);
        Assert.Equal([.. Nano.Prompts[1], .. generated[..^1]], cache.Ids);
    }

    [Fact]
    public async Task GenerateAsync_CancelledFromTheStart_DoesNothing()
    {
        using var cache = nano.Model.CreateCache();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Collect(Generator.GenerateAsync(new GenerationRequest(Nano.Prompts[1], Greedy, cache), new CancellationToken(canceled: true))));

        Assert.Equal(0, cache.Length);
    }

    [Fact]
    public async Task GenerateAsync_FailingSampler_SurfacesItsErrorToTheCaller()
    {
        var chain = new SamplerChain([new Observing((in _) => throw new IOException("the disk"))], new GreedySampler());

        var fault = await Assert.ThrowsAsync<IOException>(() => Collect(Generator.GenerateAsync(Nano.Prompts[1], Greedy with { Chain = chain })));

        Assert.Equal("the disk", fault.Message);
    }

    [Fact]
    public async Task GenerateAsync_Work_RunsOnOneThreadOffTheCallers()
    {
        var threads = new List<(string? Name, int Id, bool Pooled)>();
        var chain = new SamplerChain([new Observing((in _) => threads.Add((Thread.CurrentThread.Name, Environment.CurrentManagedThreadId, Thread.CurrentThread.IsThreadPoolThread)))], new GreedySampler());

        await Collect(Generator.GenerateAsync(Nano.Prompts[1], Greedy with { Chain = chain }));

        var worker = Assert.Single(threads.Distinct());
        Assert.Equal(("Deepseek.Inference generation", false), (worker.Name, worker.Pooled));
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

    [Fact]
    public void Generate_BadRequests_AreRefusedByTheCallItself()
    {
        using var cache = nano.Model.CreateCache(new() { MaxLength = 10 });
        using var foreign = Layers.Passes.Cache();
        var two = new GenerationRequest(new[] { 1 }, null, cache);

        Assert.Equal("The prompt has no tokens; it needs at least one, such as the begin token. (Parameter 'request')", Refusal(new GenerationRequest(Array.Empty<int>())).Message);
        Assert.StartsWith("Token 0 is 2048; the vocabulary has 0 to 2047.", Refusal(new GenerationRequest(new[] { 2048 })).Message, StringComparison.Ordinal);
        Assert.StartsWith("GenerationOptions: MaxNewTokens is 0;", Refusal(new GenerationRequest(new[] { 1 }, new() { MaxNewTokens = 0 })).Message, StringComparison.Ordinal);
        Assert.Equal("The cache was made by another model, or for another layer; make one with this model's CreateCache. (Parameter 'cache')", Refusal(new GenerationRequest(new[] { 1 }, null, foreign)).Message);
        Assert.Equal("Request 1 is null; every request must be given. (Parameter 'requests')", Assert.Throws<ArgumentException>(() => Generator.GenerateBatchAsync([two, null!])).Message);
        Assert.Equal("The cache of request 1 is that of an earlier one; every sequence needs a cache of its own. (Parameter 'requests')", Assert.Throws<ArgumentException>(() => Generator.GenerateBatchAsync([two, two])).Message);
        Assert.Equal("batchSize", Assert.Throws<ArgumentOutOfRangeException>(() => Generator.GenerateBatchAsync([two], 0)).ParamName);
        Assert.Throws<ArgumentNullException>(() => Generator.GenerateBatchAsync(null!));
        Assert.Throws<ArgumentNullException>(() => Generator.GenerateAsync((GenerationRequest)null!));
        Assert.Throws<ArgumentNullException>(() => new Generator(null!));
        Assert.Throws<ArgumentNullException>(() => new Generator(nano.Model, null!));
    }

    [Fact]
    public void Generate_MoreThanTheContextHolds_IsRefusedBeforeAnyWork()
    {
        using var cache = nano.Model.CreateCache(new() { MaxLength = 10 });
        Fixture.Logits(nano.Model, cache, [1, 2, 3, 4]);

        var asked = Refusal(new GenerationRequest(new int[6], new() { MaxNewTokens = 2 }, cache));
        var prompt = Refusal(new GenerationRequest(new int[7], null, cache));
        var model = Refusal(new GenerationRequest(new int[2049]));

        Assert.Equal("The prompt brings the text to 10 tokens, and 2 new ones were asked for; the context holds 10. Shorten the prompt, or lower MaxNewTokens to 1.", asked.Message);
        Assert.Equal("The prompt brings the text to 11 tokens; the context holds 10. Shorten the prompt.", prompt.Message);
        Assert.Equal("The prompt brings the text to 2049 tokens; the context holds 2048. Shorten the prompt.", model.Message);
        Assert.Equal(4, cache.Length);
    }

    [Fact]
    public async Task GenerateAsync_NoMaximum_FillsTheContext()
    {
        using var cache = nano.Model.CreateCache(new() { MaxLength = 20 });

        var tokens = await Collect(Generator.GenerateAsync(new GenerationRequest(Nano.Prompts[0], Greedy with { MaxNewTokens = null, EndTokens = [] }, cache)));

        Assert.Equal(20 - Nano.Prompts[0].Length + 1, tokens.Count); // the last one needs no place
        Assert.Equal((20, FinishReason.Length), (cache.Length, tokens[^1].FinishReason));
    }

    [Fact]
    public async Task GenerateAsync_DamagedWeights_AreNamedByTheLogits()
    {
        using var folder = new AlteredCheckpoint("v3-bf16").Map("model.norm.weight", _ => float.NaN).Write();
        using var model = await LanguageModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken);

        var fault = await Assert.ThrowsAsync<InvalidLogitsException>(() => Collect(new Generator(model).GenerateAsync(new[] { 1 }, Greedy)));

        Assert.Contains("Damaged weights", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GenerateAsync_DisposedModel_IsRefused()
    {
        var model = await Fixture.LoadAsync("v3-bf16");
        var tokens = new Generator(model).GenerateAsync(new[] { 1 }, Greedy);
        model.Dispose();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => Collect(tokens));
    }

    [Fact]
    public async Task Generator_FaultyDefaultsFile_IsNamed()
    {
        using var folder = new AlteredCheckpoint("v3-bf16").Write();
        File.WriteAllText(folder.File("generation_config.json"), """{"temperature": -1}""");
        using var model = await LanguageModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken);

        var fault = Assert.Throws<Inference.Diagnostics.CheckpointFormatException>(() => new Generator(model));

        Assert.Equal((folder.File("generation_config.json"), "temperature"), (fault.File, fault.Subject));
    }

    private ArgumentException Refusal(GenerationRequest request) => Assert.ThrowsAny<ArgumentException>(() => Generator.GenerateAsync(request));

    private static int[] Ids(List<TokenResult> tokens) => [.. tokens.Select(token => token.Id)];

    private static async Task<List<TokenResult>> Collect(IAsyncEnumerable<TokenResult> tokens)
    {
        List<TokenResult> all = [];
        await foreach (var token in tokens)
            all.Add(token);
        return all;
    }

    private static async Task<List<TokenResult>[]> CollectBatch(IAsyncEnumerable<BatchTokenResult> tokens, int sequences)
    {
        var all = Enumerable.Range(0, sequences).Select(_ => new List<TokenResult>()).ToArray();
        await foreach (var (index, token) in tokens)
            all[index].Add(token);
        return all;
    }

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

    private delegate void Look(in SamplingContext context);

    private sealed class Observing(Look look) : ILogitsProcessor
    {
        public void Process(Span<float> logits, in SamplingContext context) => look(context);
    }
}
