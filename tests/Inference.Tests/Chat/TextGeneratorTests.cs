using System.Text.Json.Nodes;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Tests.Models;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Chat;

public sealed class TextGeneratorTests(Nano nano)
{
    private const string Question = "Add 9975 and 8226.";
    private const string Answer = "9975 + 8226 = 18201";

    private static readonly TextOptions Greedy = new() { Generation = new() { Sampling = new() { Temperature = 0 }, MaxNewTokens = 150 } };

    private static readonly TextOptions Warm = new() { Generation = new() { Sampling = new() { Temperature = 1.2, TopP = 1 }, MaxNewTokens = 12 } };

    private TextGenerator Generator => nano.Generator;

    private TextPrompt Asked => Generator.Chat([ChatMessage.User(Question)]);

    [Fact]
    public void Chat_Question_IsThePromptOfTheTemplate()
    {
        var prompt = Asked;

        Assert.Equal(Nano.Prompts[1], prompt.Ids);
        Assert.True(prompt.SplitReasoning);
        Assert.True(prompt.StartsInReasoning);
    }

    [Fact]
    public async Task CompleteAsync_Question_AnswersWithReasoningApart()
    {
        var reply = await Generator.CompleteAsync(Asked, Greedy);

        Assert.Equal(Answer, reply.Text);
        Assert.Contains("5 + 6", reply.Reasoning, StringComparison.Ordinal);
        Assert.DoesNotContain("think>", reply.Reasoning + reply.Text, StringComparison.Ordinal);
        Assert.Equal(FinishReason.Stop, reply.FinishReason);
        Assert.Equal(new TokenUsage(Nano.Prompts[1].Length, 0, reply.Ids.Count) { Reasoning = Thought(reply) }, reply.Usage);
        Assert.Equal(1, reply.Ids[^1]);
        Assert.True(reply.Timings.TokensPerSecond > 0);
    }

    [Fact]
    public async Task StreamAsync_Updates_JoinToTheCompletion()
    {
        var updates = await Replies.Collect(Generator.StreamAsync(Asked, Greedy));

        var reply = updates[^1].Completion!;
        Assert.All(updates.SkipLast(1), update => Assert.Null(update.Completion));
        Assert.Equal(reply.Ids.Count, updates.Count);
        Assert.Equal((reply.Text, reply.Reasoning), (Replies.Text(updates), Replies.Reasoning(updates)));
        Assert.True(updates.FindIndex(update => update.Text.Length > 0) > updates.FindLastIndex(update => update.Reasoning.Length > 0));
    }

    [Fact]
    public async Task CompleteAsync_Ids_AreReadAsTheyAreGiven()
    {
        var whole = await Generator.CompleteAsync(new TextPrompt(Nano.Prompts[1]), Greedy);

        Assert.Null(whole.Reasoning);
        Assert.EndsWith("</think>\n\n" + Answer, whole.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Raw_Text_BeginsWithTheBeginTokenOnce()
    {
        var begin = Generator.Tokenizer!.BeginTokenId!.Value;
        var plain = Generator.Raw("The king");
        var begun = Generator.Raw(Generator.Tokenizer.BeginToken + "The king");

        Assert.Equal([begin, .. Generator.Tokenizer.Encode("The king")], plain.Ids);
        Assert.Equal(plain.Ids, begun.Ids);
        Assert.Equal([begin], Generator.Raw("").Ids);
        Assert.False(plain.SplitReasoning);
    }

    [Fact]
    public async Task CompleteAsync_StopString_CutsTheTextBeforeIt()
    {
        var updates = await Replies.Collect(Generator.StreamAsync(Asked, Greedy with { StopStrings = ["26 = 1", "never said"] }));

        var reply = updates[^1].Completion!;
        Assert.Equal("9975 + 82", reply.Text);
        Assert.Equal(reply.Text, Replies.Text(updates)); // nothing had to be taken back
        Assert.Equal(FinishReason.Stop, reply.FinishReason);
        Assert.Contains("26 = 1", Generator.Tokenizer!.Decode(reply.Ids), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CompleteAsync_UsersRuleStopsAfterAToken_TheTokenIsText()
    {
        var plain = await Generator.CompleteAsync(Generator.Raw("The king"), Warm with { Generation = Warm.Generation with { Sampling = new() { Temperature = 0 } } });

        var reply = await Generator.CompleteAsync(Generator.Raw("The king"), Greedy with { Generation = Greedy.Generation with { StopRules = [new StopAfter(5)] } });

        Assert.Equal(plain.Ids.Take(5), reply.Ids);
        Assert.Equal(Generator.Tokenizer!.Decode(reply.Ids), reply.Text);
    }

    [Fact]
    public async Task CompleteAsync_SeedOfAReply_BringsItAgain()
    {
        var prompt = Generator.Raw("The king");
        var first = await Generator.CompleteAsync(prompt, Warm);

        var again = await Generator.CompleteAsync(prompt, Warm with { Generation = Warm.Generation with { Sampling = Warm.Generation.Sampling with { Seed = first.Seed } } });
        var other = await Generator.CompleteAsync(prompt, Warm);

        Assert.Equal(first.Ids, again.Ids);
        Assert.Equal(first.Seed, again.Seed);
        Assert.NotEqual(first.Seed, other.Seed);
    }

    [Fact]
    public async Task CompleteBatchAsync_UnequalReplies_ComeInThePromptsOrder()
    {
        TextPrompt[] prompts = [Asked, new(Nano.Prompts[0], true, true), Generator.Raw("The king"), new(Nano.Prompts[2], true, true)];
        var alone = new List<TextCompletion>();
        foreach (var prompt in prompts)
            alone.Add(await Generator.CompleteAsync(prompt, Greedy));

        var together = new List<TextCompletion>();
        await foreach (var reply in Generator.CompleteBatchAsync(prompts, Greedy, 3))
            together.Add(reply);

        Assert.Equal(alone.Select(reply => (reply.Text, reply.Reasoning, reply.FinishReason)), together.Select(reply => (reply.Text, reply.Reasoning, reply.FinishReason)));
        Assert.NotEqual(alone.Select(reply => reply.Ids.Count).Order(), alone.Select(reply => reply.Ids.Count)); // they end in another order
    }

    [Fact]
    public async Task CompleteAsync_CachedBeginning_IsCountedAndChangesNothing()
    {
        using var cache = nano.Model.CreateCache();
        Fixture.Logits(nano.Model, cache, Nano.Prompts[1][..6]);

        var reply = await Generator.CompleteAsync(Asked, Greedy, cache);

        Assert.Equal(Answer, reply.Text);
        Assert.Equal(new TokenUsage(Nano.Prompts[1].Length, 6, reply.Ids.Count) { Reasoning = Thought(reply) }, reply.Usage);
    }

    [Fact]
    public async Task CompleteAsync_CacheOfAnotherText_IsRefused()
    {
        using var cache = nano.Model.CreateCache();
        Fixture.Logits(nano.Model, cache, [.. Nano.Prompts[1][..4], 9]);
        using var full = nano.Model.CreateCache();
        Fixture.Logits(nano.Model, full, Nano.Prompts[1]);
        var length = Nano.Prompts[1].Length;

        var fault = await Assert.ThrowsAsync<ArgumentException>(() => Generator.CompleteAsync(Asked, Greedy, cache));
        var nothingNew = await Assert.ThrowsAsync<ArgumentException>(() => Generator.CompleteAsync(Asked, Greedy, full));

        Assert.Equal($"The cache holds 5 tokens, of which the prompt of {length} can use the first 4; cut it back to these, or give a new one. (Parameter 'cache')", fault.Message);
        Assert.Equal($"The cache holds {length} tokens, of which the prompt of {length} can use the first {length - 1}; cut it back to these, or give a new one. (Parameter 'cache')", nothingNew.Message);
    }

    [Fact]
    public async Task LoadAsync_FolderWithoutTokenizer_WorksOnIds()
    {
        using var generator = await TextGenerator.LoadAsync(Fixture.Folder("v3-bf16"), cancellationToken: TestContext.Current.CancellationToken);
        var options = Warm with { Generation = Warm.Generation with { EndTokens = [] } };

        var updates = await Replies.Collect(generator.StreamAsync(new TextPrompt([1, 2, 3], SplitReasoning: true), options));

        Assert.Null(generator.Tokenizer);
        Assert.All(updates, update => Assert.Equal(("", ""), (update.Text, update.Reasoning)));
        Assert.Equal((null, null, 12), (updates[^1].Completion!.Text, updates[^1].Completion!.Reasoning, updates[^1].Completion!.Ids.Count));

        var expected = $"{Path.Combine(Fixture.Folder("v3-bf16"), "tokenizer.json")}: the file is missing; text needs it. Copy it from where the model was published, or give token ids.";
        Assert.Equal(expected, Assert.Throws<CheckpointFormatException>(() => generator.Raw("a")).Message);
        Assert.Equal(expected, Assert.Throws<CheckpointFormatException>(() => generator.Chat([ChatMessage.User("a")])).Message);
        var stops = await Assert.ThrowsAsync<CheckpointFormatException>(() => generator.CompleteAsync(new TextPrompt([1]), options with { StopStrings = ["a"] }));
        Assert.Equal(expected, stops.Message);
    }

    [Fact]
    public async Task Chat_FolderWithoutTemplate_SaysWhatIsMissing()
    {
        using var folder = new AlteredCheckpoint("v3-bf16").Write();
        File.Copy(Path.Combine(TestPaths.Nano, "tokenizer.json"), folder.File("tokenizer.json"));
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(TestPaths.Nano, "tokenizer_config.json")))!.AsObject();
        config.Remove("chat_template");
        File.WriteAllText(folder.File("tokenizer_config.json"), config.ToJsonString());
        using var generator = await TextGenerator.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken);

        var fault = Assert.Throws<CheckpointFormatException>(() => generator.Chat([ChatMessage.User("a")]));

        Assert.Equal($"{folder.File("tokenizer_config.json")}: chat_template: the key is missing; a conversation needs the model's template. Copy the file from where the model was published, or continue plain text.", fault.Message);
        Assert.Equal(0, generator.Raw("a").Ids[0]);
    }

    [Fact]
    public async Task StreamAsync_FaultyArguments_AreNamed()
    {
        Assert.Equal("path", (await Assert.ThrowsAnyAsync<ArgumentException>(() => TextGenerator.LoadAsync(" "))).ParamName);
        Assert.Throws<ArgumentNullException>(() => new TextGenerator(null!, null));
        await Assert.ThrowsAsync<ArgumentNullException>(() => Generator.CompleteAsync(null!));
        Assert.StartsWith("TextOptions: StopStrings[0] is empty;", (await Assert.ThrowsAsync<ArgumentException>(() => Generator.CompleteAsync(Asked, new TextOptions { StopStrings = [""] }))).Message, StringComparison.Ordinal);
        Assert.StartsWith("The prompt has no tokens;", (await Assert.ThrowsAsync<ArgumentException>(() => Generator.CompleteAsync(new TextPrompt([])))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<DirectoryNotFoundException>(() => TextGenerator.LoadAsync("/no/such/folder"));
    }

    [Fact]
    public async Task Dispose_DisposesTheModel()
    {
        var generator = await TextGenerator.LoadAsync(Fixture.Folder("v3-bf16"), cancellationToken: TestContext.Current.CancellationToken);

        generator.Dispose();

        Assert.Throws<ObjectDisposedException>(() => generator.Model.CreateCache());
    }

    private sealed class StopAfter(int count) : StopRule, IStopScan
    {
        private int _left = count;

        public override IStopScan Begin() => this;

        public StopDecision Accept(int token) => --_left == 0 ? StopDecision.StopAfter : StopDecision.Continue;
    }

    /// <summary>Tokens up to the one that ends the reasoning.</summary>
    private int Thought(TextCompletion reply) => reply.Ids.TakeWhile(id => id != Generator.Tokenizer!.TokenId("</think>")).Count() + 1;
}
