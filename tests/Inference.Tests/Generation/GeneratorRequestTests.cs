using Deepseek.Inference.Generation;
using Deepseek.Inference.Models;
using Deepseek.Inference.Sampling;
using Deepseek.Inference.Tests.Models;
using static Deepseek.Inference.Tests.Generation.Tokens;

namespace Deepseek.Inference.Tests.Generation;

/// <summary>What a request may ask for, and what a call that ends early leaves behind.</summary>
public sealed class GeneratorRequestTests(Nano nano)
{
    private static readonly GenerationOptions Greedy = new() { Sampling = new() { Temperature = 0 }, MaxNewTokens = 24 };

    private Generator Generator => nano.Generator.Generator;

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
}
