using System.Text.Json;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Models;
using Microsoft.Extensions.AI;
using Said = Deepseek.Inference.Tokenization.ChatMessage;

namespace Deepseek.Inference.Tests.Chat.Client;

public sealed class DeepseekChatClientTests(NanoHost nano) : IClassFixture<NanoHost>, IDisposable
{
    private const string Question = "What is 123 + 456?";

    private static readonly ChatOptions Greedy = new() { Temperature = 0 };

    private readonly DeepseekChatClient _client = new(nano.Host);

    public void Dispose() => _client.Dispose();

    [Fact]
    public async Task GetResponseAsync_Greedy_IsWhatTheLibrarySays()
    {
        var service = await nano.ServiceAsync();
        var library = await service.Generator.CompleteAsync(service.Generator.Chat([Said.User(Question)]), new() { Generation = new() { Sampling = new() { Temperature = 0 } } });

        var response = await _client.GetResponseAsync(Question, Greedy);

        Assert.Contains("579", response.Text);
        Assert.Equal(library.Text, response.Text);
        Assert.Equal(library.Reasoning, string.Concat(response.Messages[0].Contents.OfType<TextReasoningContent>().Select(part => part.Text)));
        Assert.Equal((ChatFinishReason.Stop, "deepseek-nano", (string?)null), (response.FinishReason!.Value, response.ModelId!, response.ConversationId));
        Assert.Equal(
            (library.Usage.Prompt, library.Usage.Completion, library.Usage.Total),
            ((int)response.Usage!.InputTokenCount!, (int)response.Usage.OutputTokenCount!, (int)response.Usage.TotalTokenCount!));
        Assert.InRange(response.Usage.ReasoningTokenCount!.Value, 1, library.Usage.Completion - 1);
        Assert.Equal(library.Ids, Assert.IsType<TextCompletion>(response.RawRepresentation).Ids);
        Assert.NotNull(response.ResponseId);
        Assert.NotNull(response.CreatedAt);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_Pieces_MakeTheWhole()
    {
        var whole = await _client.GetResponseAsync(Question, Greedy);

        var updates = await Collect(_client.GetStreamingResponseAsync(Question, Greedy));

        Assert.True(updates.Count > 5);
        Assert.Equal(whole.Text, string.Concat(updates.Select(update => update.Text)));
        Assert.Single(updates.Select(update => update.ResponseId).Distinct());
        Assert.All(updates, update => Assert.Equal(ChatRole.Assistant, update.Role));
        Assert.Equal(ChatFinishReason.Stop, updates[^1].FinishReason);
        Assert.All(updates[..^1], update => Assert.Null(update.FinishReason));
        Assert.Single(updates.SelectMany(update => update.Contents).OfType<UsageContent>());
    }

    [Fact]
    public async Task GetResponseAsync_EveryOption_IsHeeded()
    {
        var service = await nano.ServiceAsync();
        var options = new ChatOptions
        {
            Temperature = 0.9f, TopP = 0.8f, TopK = 20, Seed = 5, FrequencyPenalty = 0.5f, PresencePenalty = 0.25f, MaxOutputTokens = 30, StopSequences = ["zebra"], Instructions = "Be brief.",
        };

        var response = await _client.GetResponseAsync(Question, options);

        var library = await service.Generator.CompleteAsync(service.Generator.Chat([Said.System("Be brief."), Said.User(Question)]), new()
        {
            Generation = new() { MaxNewTokens = 30, Sampling = new() { Temperature = 0.9, TopP = 0.8, TopK = 20, Seed = 5, FrequencyPenalty = 0.5, PresencePenalty = 0.25 } },
            StopStrings = ["zebra"],
        });
        Assert.Equal(library.Ids, ((TextCompletion)response.RawRepresentation!).Ids);
        Assert.Equal(5, ((TextCompletion)response.RawRepresentation!).Seed);
    }

    [Fact]
    public async Task GetResponseAsync_Limits_GiveTrueFinishReasons()
    {
        Assert.Equal(ChatFinishReason.Length, (await _client.GetResponseAsync(Question, new() { Temperature = 0, MaxOutputTokens = 3 })).FinishReason);
        var stopped = await _client.GetResponseAsync(Question, new() { Temperature = 0, StopSequences = ["579"] });
        Assert.Equal(ChatFinishReason.Stop, stopped.FinishReason);
        Assert.DoesNotContain("579", stopped.Text);
    }

    [Fact]
    public async Task GetResponseAsync_NoEffort_DoesNotThink()
    {
        var response = await _client.GetResponseAsync(Question, new() { Temperature = 0, MaxOutputTokens = 40, Reasoning = new() { Effort = ReasoningEffort.None } });

        Assert.Empty(response.Messages[0].Contents.OfType<TextReasoningContent>());
        Assert.Equal(0, response.Usage!.ReasoningTokenCount);
        Assert.NotEmpty(response.Text);
    }

    [Fact]
    public async Task GetResponseAsync_BudgetOfThought_EndsItThere()
    {
        var response = await _client.GetResponseAsync(Question, new() { Temperature = 0, MaxOutputTokens = 60, RawRepresentationFactory = _ => new TextOptions { MaxReasoningTokens = 5 } });

        Assert.Equal(6, response.Usage!.ReasoningTokenCount); // and the token that ends it
        Assert.NotEmpty(response.Text);
    }

    [Fact]
    public async Task GetResponseAsync_ReasoningNotWanted_IsLeftOut()
    {
        var response = await _client.GetResponseAsync(Question, new() { Temperature = 0, Reasoning = new() { Output = ReasoningOutput.None } });

        Assert.Empty(response.Messages[0].Contents.OfType<TextReasoningContent>());
        Assert.Contains("579", response.Text);
        Assert.True(response.Usage!.ReasoningTokenCount > 0);
    }

    [Fact]
    public async Task GetResponseAsync_JsonSchema_IsKept()
    {
        var schema = JsonSerializer.Deserialize<JsonElement>("""{"type":"object","properties":{"sum":{"type":"integer","minimum":0,"maximum":999}},"required":["sum"]}""");

        var response = await _client.GetResponseAsync(Question, new() { Temperature = 0, ResponseFormat = ChatResponseFormat.ForJsonSchema(schema) });

        using var document = JsonDocument.Parse(response.Text);
        Assert.InRange(document.RootElement.GetProperty("sum").GetInt32(), 0, 999);
    }

    [Fact]
    public async Task GetResponseAsync_Json_IsAnObject()
    {
        var response = await _client.GetResponseAsync(Question, new() { Temperature = 0, MaxOutputTokens = 400, ResponseFormat = ChatResponseFormat.Json });

        if (response.FinishReason == ChatFinishReason.Stop)
            Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(response.Text).RootElement.ValueKind);
        Assert.StartsWith("{", response.Text);
    }

    [Fact]
    public async Task GetResponseAsync_Cancelled_Throws()
    {
        using var cancellation = new CancellationTokenSource();
        var updates = _client.GetStreamingResponseAsync(Question, Greedy, cancellation.Token).GetAsyncEnumerator();
        Assert.True(await updates.MoveNextAsync());

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            while (await updates.MoveNextAsync())
            {
            }
        });
    }

    [Fact]
    public async Task GetResponseAsync_ManyThreads_EachIsWhatItIsAlone()
    {
        string[] questions = ["What is 8 + 5?", "What is the capital of France?", "Sort 3, 1, 2.", Question];
        var alone = new List<string>();
        foreach (var question in questions)
            alone.Add((await _client.GetResponseAsync(question, Greedy)).Text);

        var together = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() => _client.GetResponseAsync(questions[i % 4], Greedy))));

        for (var i = 0; i < together.Length; i++)
            Assert.Equal(alone[i % 4], together[i].Text);
    }

    [Fact]
    public void GetService_WhatLiesBehind_IsFound()
    {
        var metadata = _client.GetService<ChatClientMetadata>()!;

        Assert.Equal(("deepseek.inference", "deepseek-nano"), (metadata.ProviderName!, metadata.DefaultModelId!));
        Assert.Same(_client, _client.GetService<IChatClient>());
        Assert.Same(nano.Host, _client.GetService<DeepseekModelHost>());
        Assert.Null(_client.GetService<DeepseekChatClient>("key"));
        Assert.Null(_client.GetService<string>());
    }

    [Fact]
    public async Task GetService_LoadedModel_IsFound()
    {
        var service = await nano.ServiceAsync();

        Assert.Same(service, _client.GetService<TextService>());
        Assert.Same(service.Generator, _client.GetService<TextGenerator>());
        Assert.Same(service.Generator.Model, _client.GetService<LanguageModel>());
    }

    [Fact]
    public async Task LoadAsync_OwnModel_IsDisposedWithTheClient()
    {
        var client = await DeepseekChatClient.LoadAsync(TestPaths.Nano);
        var model = client.GetService<LanguageModel>()!;
        Assert.NotEmpty((await client.GetResponseAsync(Question, new() { MaxOutputTokens = 2 })).Messages);

        client.Dispose();

        Assert.Throws<ObjectDisposedException>(() => model.CreateCache());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.GetResponseAsync(Question));
        Assert.Equal(
            "There is no folder nowhere; a model is a folder with config.json and safetensors files.",
            (await Assert.ThrowsAsync<DirectoryNotFoundException>(() => DeepseekChatClient.LoadAsync("nowhere"))).Message);
    }

    public static TheoryData<string, ChatOptions> Refused => new()
    {
        { "ChatOptions.ModelId is gpt-5; this client's model is deepseek-nano. Leave it out, or ask a client of that model.", new() { ModelId = "gpt-5" } },
        { "ChatOptions asks for a response in the background; this client answers while it is awaited. Leave AllowBackgroundResponses and ContinuationToken out.", new() { AllowBackgroundResponses = true } },
        { "The tool web_search is a HostedWebSearchTool; a local model can be offered functions (AIFunction) alone.", new() { Tools = [new HostedWebSearchTool()] } },
        { "ChatOptions.ToolMode requires a function, and none is offered; give Tools.", new() { ToolMode = ChatToolMode.RequireAny } },
        { "ChatOptions.RawRepresentationFactory made a String; this client takes TextOptions.", new() { RawRepresentationFactory = _ => "raw" } },
        { "SamplingOptions: Temperature is -1", new() { Temperature = -1 } },
        { "GenerationOptions: MaxNewTokens is 0; it must be at least 1.", new() { MaxOutputTokens = 0 } },
    };

    [Theory, MemberData(nameof(Refused))]
    public async Task GetResponseAsync_WhatCannotBeDone_IsNamed(string message, ChatOptions options) =>
        Assert.StartsWith(message, (await Assert.ThrowsAsync<ArgumentException>(() => _client.GetResponseAsync(Question, options))).Message);

    private static async Task<List<ChatResponseUpdate>> Collect(IAsyncEnumerable<ChatResponseUpdate> updates)
    {
        List<ChatResponseUpdate> all = [];
        await foreach (var update in updates)
            all.Add(update);
        return all;
    }
}
