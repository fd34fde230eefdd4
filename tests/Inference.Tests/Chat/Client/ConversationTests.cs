using Deepseek.Inference.Chat;
using Microsoft.Extensions.AI;

namespace Deepseek.Inference.Tests.Chat.Client;

/// <summary>Conversations that the client remembers, and what they cost.</summary>
public sealed class ConversationTests(NanoHost nano) : IClassFixture<NanoHost>
{
    private const string First = "What is 8 + 5?";
    private const string Second = "What is the capital of France?";

    [Fact]
    public async Task GetResponseAsync_NewMessageAlone_GoesOnAndCostsItsOwnTokens()
    {
        var client = new DeepseekChatClient(nano.Host);
        var whole = new List<ChatMessage> { new(ChatRole.User, First) };

        var first = await client.GetResponseAsync(First, Named("a"));
        var second = await client.GetResponseAsync(Second, Named("a"));

        whole.AddMessages(first);
        whole.Add(new(ChatRole.User, Second));
        var stateless = await client.GetResponseAsync(whole, new() { Temperature = 0 });
        Assert.Equal("a", second.ConversationId);
        Assert.Equal(stateless.Text, second.Text);
        Assert.Equal(stateless.Usage!.InputTokenCount, second.Usage!.InputTokenCount);
        // What is new are the first answer, which the template shows without its thought, and the question.
        Assert.True(second.Usage.CachedInputTokenCount >= first.Usage!.InputTokenCount - 3, $"{second.Usage.CachedInputTokenCount} of {first.Usage.InputTokenCount} tokens were cached.");
    }

    [Fact]
    public async Task GetResponseAsync_RepeatedConversation_IsNotSaidTwice()
    {
        var client = new DeepseekChatClient(nano.Host);
        var first = await client.GetResponseAsync(First, Named("b"));
        var whole = new List<ChatMessage> { new(ChatRole.User, First) };
        whole.AddMessages(first);
        whole.Add(new(ChatRole.User, Second));

        var repeated = await client.GetResponseAsync(whole, Named("b"));

        Assert.Equal((await client.GetResponseAsync(whole, new() { Temperature = 0 })).Usage!.InputTokenCount, repeated.Usage!.InputTokenCount);
    }

    [Fact]
    public async Task GetResponseAsync_SamePromptWithoutName_ReusesTheLongestBeginning()
    {
        var client = new DeepseekChatClient(nano.Host);
        await client.GetResponseAsync("Reverse the word garden, please.", new() { Temperature = 0, MaxOutputTokens = 5 });

        var again = await client.GetResponseAsync("Reverse the word garden, please.", new() { Temperature = 0, MaxOutputTokens = 5 });

        Assert.Equal(again.Usage!.InputTokenCount - 1, again.Usage.CachedInputTokenCount);
    }

    [Fact]
    public async Task GetResponseAsync_LeftEarly_LeavesTheConversationAsItWas()
    {
        var client = new DeepseekChatClient(nano.Host);
        var first = await client.GetResponseAsync(First, Named("c"));

        await foreach (var update in client.GetStreamingResponseAsync("Count the letters e in cheese.", Named("c")))
            break;
        var second = await client.GetResponseAsync(Second, Named("c"));

        List<ChatMessage> whole = [new(ChatRole.User, First), .. first.Messages, new(ChatRole.User, Second)];
        Assert.Equal((await client.GetResponseAsync(whole, new() { Temperature = 0 })).Text, second.Text);
    }

    [Fact]
    public async Task GetResponseAsync_SameConversationAtOnce_WaitsForItsTurn()
    {
        var client = new DeepseekChatClient(nano.Host);

        var replies = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => client.GetResponseAsync(First, Named("d", maxNew: 5))));

        // Each saw all that came before it: prompts of four lengths.
        Assert.Equal(4, replies.Select(reply => reply.Usage!.InputTokenCount).Distinct().Count());
    }

    [Fact]
    public async Task GetResponseAsync_TooManyConversations_TheOldestIsForgotten()
    {
        var client = new DeepseekChatClient(nano.Host, maxConversations: 2);
        foreach (var name in (string[])["one", "two", "three"])
            await client.GetResponseAsync(First, Named(name, 5));

        var forgotten = await client.GetResponseAsync(First, Named("one", 5));
        var known = await client.GetResponseAsync(First, Named("three", 5));

        Assert.True(forgotten.Usage!.InputTokenCount < known.Usage!.InputTokenCount);
        Assert.Throws<ArgumentOutOfRangeException>(() => new DeepseekChatClient(nano.Host, 0));
    }

    private static ChatOptions Named(string id, int? maxNew = null) => new() { Temperature = 0, ConversationId = id, MaxOutputTokens = maxNew };
}
