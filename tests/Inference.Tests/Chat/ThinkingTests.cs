using Deepseek.Inference.Chat;
using Deepseek.Inference.Sampling;
using Deepseek.Inference.Tests.Models;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Chat;

/// <summary>Whether and how long a model thinks.</summary>
public sealed class ThinkingTests(Nano nano)
{
    private const int Open = 5;
    private const int Close = 6;

    [Theory]
    [InlineData(0, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    public void Process_AtTheBudget_LeavesTheClosingTokenAlone(int generated, bool closes)
    {
        float[] logits = [1, 2, 3, 4, 5, 6, 7, 8];

        new ReasoningBudget(3, Close, open: null).Process(logits, new SamplingContext([], Enumerable.Repeat(1, generated).ToArray()));

        Assert.Equal(closes ? 1 : 8, logits.Count(float.IsFinite));
        Assert.Equal(7, logits[Close]);
    }

    [Fact]
    public void Process_AfterTheReasoning_ChangesNothing()
    {
        float[] logits = [1, 2, 3, 4, 5, 6, 7, 8];

        new ReasoningBudget(1, Close, open: null).Process(logits, new SamplingContext([], [1, Close, 2, 3]));

        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], logits);
    }

    [Fact]
    public void Process_ReasoningThatTheReplyOpens_CountsFromThere()
    {
        float[] plain = [1, 2, 3, 4, 5, 6, 7, 8], thinking = [.. plain];
        var budget = new ReasoningBudget(2, Close, Open);

        budget.Process(plain, new SamplingContext([], [1, 2, 3, 4]));
        budget.Process(thinking, new SamplingContext([], [Open, 2, 3]));

        Assert.Equal(8, plain.Count(float.IsFinite));
        Assert.Equal(1, thinking.Count(float.IsFinite));
    }

    [Fact]
    public void Process_ClosingTokenThatWasRemoved_IsBroughtBack()
    {
        float[] logits = [1, 2, 3, 4, 5, 6, float.NegativeInfinity, 8];

        new ReasoningBudget(0, Close, open: null).Process(logits, new SamplingContext([], []));

        Assert.Equal(0, logits[Close]);
    }

    [Fact]
    public void Chat_WithoutThinking_ClosesTheThoughtThatTheTemplateOpens()
    {
        ChatMessage[] messages = [ChatMessage.User("Hello")];

        var (usual, without) = (nano.Generator.Chat(messages), nano.Generator.Chat(messages, thinking: false));

        Assert.True(usual.StartsInReasoning);
        Assert.False(without.StartsInReasoning);
        Assert.Equal(nano.Generator.Tokenizer!.Decode(usual.Ids) + "\n</think>\n\n", nano.Generator.Tokenizer.Decode(without.Ids));
        Assert.Equal(usual.Ids, nano.Generator.Chat(messages, thinking: true).Ids);
    }

    [Fact]
    public async Task StreamAsync_TokensOfReasoning_AreMarkedUpToTheTagThatEndsIt()
    {
        var options = new TextOptions { Generation = new() { Sampling = new() { Temperature = 0 } }, StopStrings = ["</think>\n\nnever"] }; // holds text back, tokens not

        var updates = await Replies.Collect(nano.Generator.StreamAsync(nano.Generator.Chat([ChatMessage.User("What is 8 + 5?")]), options));

        var ids = updates.Select(update => update.Token.Id).ToList();
        var thought = ids.IndexOf(nano.Generator.Tokenizer!.TokenId("</think>")!.Value) + 1;
        Assert.Equal(ids.Select((_, i) => i < thought), updates.Select(update => update.IsReasoning));
        Assert.Equal(thought, updates[^1].Completion!.Usage.Reasoning);
        Assert.InRange(thought, 2, ids.Count - 1);
    }

    [Fact]
    public void Validate_Budget_NamesWhatIsWrong()
    {
        Assert.Equal("TextOptions: MaxReasoningTokens is -1; it must be 0 or more.", Assert.Throws<ArgumentException>(() => new TextOptions { MaxReasoningTokens = -1 }.Validate()).Message);
        Assert.StartsWith(
            "TextOptions: MaxReasoningTokens is given together with a chain of your own (Chain), which decides alone; give Sampling instead.",
            Assert.Throws<ArgumentException>(() => new TextOptions { MaxReasoningTokens = 1, Generation = new() { Chain = new SamplerChain([], new GreedySampler()) } }.Validate()).Message);
    }
}
