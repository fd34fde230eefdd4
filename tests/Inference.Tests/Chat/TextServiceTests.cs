using Deepseek.Inference.Chat;
using Deepseek.Inference.Tests.Models;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Chat;

public sealed class TextServiceTests(Nano nano)
{
    private static readonly TextOptions Greedy = new() { Generation = new() { Sampling = new() { Temperature = 0 }, MaxNewTokens = 60 } };

    [Fact]
    public async Task StreamAsync_ManyAtOnce_EachIsWhatTheGeneratorSays()
    {
        await using var service = new TextService(nano.Generator, new() { MaxBatch = 3 });
        string[] questions = ["What is 8 + 5?", "Reverse the word garden.", "Sort 5, 2, 9.", "What is the capital of France?"];
        var options = Enumerable.Range(0, 12).Select(i => Greedy with
        {
            Generation = Greedy.Generation with { Sampling = new() { Temperature = 0.9, Seed = i } },
            StopStrings = i % 2 == 0 ? [] : ["a", "="],
        }).ToList();

        var together = await Task.WhenAll(options.Select((option, i) => Replies.Collect(service.StreamAsync(Prompt(questions[i % 4]), option))));

        for (var i = 0; i < options.Count; i++)
        {
            var alone = await Replies.Collect(nano.Generator.StreamAsync(Prompt(questions[i % 4]), options[i]));
            Assert.Equal(alone.Select(update => (update.Reasoning, update.Text, update.Token.Id)), together[i].Select(update => (update.Reasoning, update.Text, update.Token.Id)));
            var (expected, actual) = (alone[^1].Completion!, together[i][^1].Completion!);
            Assert.Equal((expected.Text, expected.Reasoning, expected.FinishReason, expected.Seed), (actual.Text, actual.Reasoning, actual.FinishReason, actual.Seed));
            Assert.Equal((expected.Usage.Prompt, expected.Usage.Completion, expected.Usage.Reasoning), (actual.Usage.Prompt, actual.Usage.Completion, actual.Usage.Reasoning));
        }
    }

    [Fact]
    public async Task CompleteAsync_SecondQuestion_IsCachedButForWhatIsNew()
    {
        await using var service = new TextService(nano.Generator);
        var first = await service.CompleteAsync(Prompt("What is 8 + 5?"), Greedy, "somebody");
        var second = nano.Generator.Chat([ChatMessage.User("What is 8 + 5?"), ChatMessage.Assistant(first.Text!), ChatMessage.User("And 1 + 1?")]);

        var reply = await service.CompleteAsync(second, Greedy, "somebody");

        Assert.Equal((await nano.Generator.CompleteAsync(second, Greedy)).Ids, reply.Ids);
        Assert.InRange(reply.Usage.Cached, first.Usage.Prompt - 3, first.Usage.Prompt);
        Assert.Equal(1, service.Statistics.KeptCaches);
    }

    [Fact]
    public async Task StreamAsync_BadPrompt_IsRefused()
    {
        await using var service = new TextService(nano.Generator);

        await Assert.ThrowsAsync<ArgumentNullException>(() => service.CompleteAsync(null!));
        Assert.StartsWith("The prompt has no tokens", (await Assert.ThrowsAsync<ArgumentException>(() => service.CompleteAsync(new TextPrompt([])))).Message);
        Assert.Throws<ArgumentException>(() => new TextService(nano.Generator, new() { MaxBatch = 0 }));
    }

    [Fact]
    public async Task StopAsync_ThenMore_IsRefused()
    {
        await using var service = new TextService(nano.Generator);
        var under = service.CompleteAsync(Prompt("What is 8 + 5?"), Greedy);

        await service.StopAsync();

        Assert.NotNull((await under).Text);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => service.CompleteAsync(Prompt("What is 8 + 5?"), Greedy));
    }

    private TextPrompt Prompt(string question) => nano.Generator.Chat([ChatMessage.User(question)]);
}
