using Deepseek.Inference.Chat;
using Deepseek.Inference.Tests.Models;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Chat;

public sealed class ChatSessionTests(Nano nano)
{
    private static readonly TextOptions Greedy = new() { Generation = new() { Sampling = new() { Temperature = 0 }, MaxNewTokens = 60 } };

    private static readonly TextOptions Short = Greedy with { Generation = Greedy.Generation with { MaxNewTokens = 4 } };

    [Theory]
    [InlineData(1.0)]
    [InlineData(1.4)] // looks at the whole conversation, cached or not
    public async Task AskAsync_SecondQuestion_ReusesTheCacheAndAnswersAsAFreshSession(double repetitionPenalty)
    {
        var options = Greedy with { Generation = Greedy.Generation with { Sampling = Greedy.Generation.Sampling with { RepetitionPenalty = repetitionPenalty } } };
        using var session = new ChatSession(nano.Generator, "Be brief.");

        var first = await Replies.Last(session.AskAsync("What is 8 + 5?", options));
        var second = await Replies.Last(session.AskAsync("What is the capital of France?", options));

        var fresh = await nano.Generator.CompleteAsync(nano.Generator.Chat(
            [ChatMessage.System("Be brief."), ChatMessage.User("What is 8 + 5?"), ChatMessage.Assistant(first.Text!), ChatMessage.User("What is the capital of France?")]), options);
        Assert.Equal(fresh.Ids, second.Ids);
        Assert.Equal(fresh.Usage.Prompt, second.Usage.Prompt);
        Assert.Equal(0, first.Usage.Cached);
        Assert.True(second.Usage.Cached >= first.Usage.Prompt - 3, $"Only {second.Usage.Cached} tokens were reused."); // the template's <think> goes
        Assert.Equal(["system", "user", "assistant", "user", "assistant"], session.Messages.Select(message => message.Role));
        Assert.Equal([first.Text, second.Text], session.Messages.Where(message => message.Role == "assistant").Select(message => message.Content));
    }

    [Fact]
    public async Task AskAsync_Cancelled_KeepsWhatCameAndStaysExact()
    {
        using var session = new ChatSession(nano.Generator);
        using var cancellation = new CancellationTokenSource();
        var updates = new List<TextUpdate>();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in session.AskAsync("What is 8 + 5?", Greedy, cancellation.Token))
            {
                updates.Add(update);
                if (updates.Count == 5)
                    await cancellation.CancelAsync();
            }
        });

        var kept = Replies.Text(updates);
        Assert.Equal([ChatMessage.User("What is 8 + 5?"), ChatMessage.Assistant(kept)], session.Messages);
        await AssertNextIsExact(session);
    }

    [Fact]
    public async Task AskAsync_LeftEarly_KeepsWhatCameAndStaysExact()
    {
        using var session = new ChatSession(nano.Generator);

        await foreach (var update in session.AskAsync("What is 8 + 5?", Greedy))
        {
            if (update.Text.Length > 0)
                break;
        }

        Assert.Equal(2, session.Messages.Count);
        Assert.NotEqual("", session.Messages[1].Content);
        await AssertNextIsExact(session);
    }

    [Fact]
    public async Task AskAsync_CancelledBeforeTheFirstToken_ChangesNothing()
    {
        using var session = new ChatSession(nano.Generator);
        await Replies.Last(session.AskAsync("What is 8 + 5?", Greedy));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Replies.Last(session.AskAsync("What is 1 + 1?", Greedy, new CancellationToken(canceled: true))));

        Assert.Equal(2, session.Messages.Count);
        await AssertNextIsExact(session);
    }

    [Fact]
    public async Task AskAsync_ConversationOutgrowsTheContext_ForgetsItsOldestExchanges()
    {
        using var session = new ChatSession(nano.Generator, "Be brief.");
        string[] questions = [.. Enumerable.Range(0, 4).Select(i => $"Question {i}: {string.Concat(Enumerable.Repeat("king ", 700))}")];
        var lengths = new List<int>();

        foreach (var question in questions)
            lengths.Add((await Replies.Last(session.AskAsync(question, Short))).Usage.Prompt);

        Assert.True(lengths.Max() <= 2048);
        Assert.True(session.Forgotten > 0);
        Assert.Equal(0, session.Forgotten % 2);
        Assert.Equal(1 + 8 - session.Forgotten, session.Messages.Count);
        Assert.Equal("Be brief.", session.Messages[0].Content);
        Assert.Equal(questions[session.Forgotten / 2], session.Messages[1].Content);
        Assert.Equal(questions[3], session.Messages[^2].Content);
        await AssertNextIsExact(session);
    }

    [Fact]
    public async Task AskAsync_QuestionThatNeverFits_LeavesTheConversationAsItWas()
    {
        using var session = new ChatSession(nano.Generator);
        await Replies.Last(session.AskAsync("What is 8 + 5?", Greedy));
        ChatMessage[] before = [.. session.Messages];

        var fault = await Assert.ThrowsAsync<ArgumentException>(() => Replies.Last(session.AskAsync(string.Concat(Enumerable.Repeat("king ", 3000)), Short)));
        var tooMany = await Assert.ThrowsAsync<ArgumentException>(() => Replies.Last(session.AskAsync("a", Greedy with { Generation = new() { MaxNewTokens = int.MaxValue } })));

        Assert.EndsWith("the context holds 2048. Shorten the prompt.", fault.Message, StringComparison.Ordinal);
        Assert.Contains("lower MaxNewTokens to", tooMany.Message, StringComparison.Ordinal);
        Assert.Equal(before, session.Messages);
        Assert.Equal(0, session.Forgotten);
        await AssertNextIsExact(session);
    }

    [Fact]
    public async Task AskAsync_FaultyArguments_AreNamed()
    {
        using var session = new ChatSession(nano.Generator);

        await Assert.ThrowsAsync<ArgumentNullException>(() => Replies.Last(session.AskAsync(null!)));
        await Assert.ThrowsAsync<ArgumentException>(() => Replies.Last(session.AskAsync("a", new TextOptions { StopStrings = [""] })));
        Assert.Throws<ArgumentNullException>(() => new ChatSession(null!));
        Assert.Empty(session.Messages);
    }

    [Fact]
    public async Task Dispose_ThenAsking_IsRefused()
    {
        var session = new ChatSession(nano.Generator);
        session.Dispose();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => Replies.Last(session.AskAsync("a")));
    }

    /// <summary>The next answer equals that to the same conversation without any cache.</summary>
    private async Task AssertNextIsExact(ChatSession session)
    {
        var expected = await nano.Generator.CompleteAsync(nano.Generator.Chat([.. session.Messages, ChatMessage.User("What is 2 + 2?")]), Greedy);

        var reply = await Replies.Last(session.AskAsync("What is 2 + 2?", Greedy));

        Assert.Equal(expected.Ids, reply.Ids);
        Assert.True(reply.Usage.Cached > 0);
    }
}
