using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using System.Text.Json;
using Deepseek.Inference.Tests;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using ChatMessage = OpenAI.Chat.ChatMessage;

namespace Deepseek.Inference.Server.Tests;

/// <summary>OpenAI's own client, and Microsoft's over it, speak with the server as with any other.</summary>
public sealed class ClientTests(ServerFixture fixture)
{
    private const string Sum = "What is 123 + 456?";
    private const string Schema = """{"type": "object", "properties": {"sum": {"type": "integer", "minimum": 0, "maximum": 999}, "sure": {"type": "boolean"}}, "required": ["sum", "sure"], "additionalProperties": false}""";

    private static readonly ChatTool Add = ChatTool.CreateFunctionTool(
        "add", "Adds numbers.", BinaryData.FromString("""{"type": "object", "properties": {"a": {"type": "integer", "minimum": 0, "maximum": 999}, "b": {"enum": [456]}}, "required": ["a", "b"]}"""));

    [Fact]
    public async Task Client_Chat_IsAnswered()
    {
        ChatCompletion reply = await Chat().CompleteChatAsync([ChatMessage.CreateUserMessage(Sum)], new ChatCompletionOptions { Temperature = 0 });

        Assert.Equal("123 + 456 = 579", reply.Content[0].Text);
        Assert.Equal(OpenAI.Chat.ChatFinishReason.Stop, reply.FinishReason);
        Assert.Equal(ServerFixture.Model, reply.Model);
        Assert.True(reply.Usage.OutputTokenDetails.ReasoningTokenCount > 0);
        Assert.Equal(reply.Usage.TotalTokenCount, reply.Usage.InputTokenCount + reply.Usage.OutputTokenCount);
    }

    [Fact]
    public async Task Client_Stream_JoinsToTheReplyWithItsUsage()
    {
        StringBuilder text = new();
        OpenAI.Chat.ChatFinishReason? reason = null;
        ChatTokenUsage? usage = null;

        await foreach (var update in Chat().CompleteChatStreamingAsync([ChatMessage.CreateUserMessage(Sum)], new ChatCompletionOptions { Temperature = 0 }))
        {
            foreach (var part in update.ContentUpdate)
                text.Append(part.Text);
            reason ??= update.FinishReason;
            usage ??= update.Usage;
        }

        Assert.Equal("123 + 456 = 579", text.ToString());
        Assert.Equal(OpenAI.Chat.ChatFinishReason.Stop, reason);
        Assert.True(usage!.OutputTokenCount > 10);
    }

    [Fact]
    public async Task Client_StopSeedLimitAndProbabilities_AreKept()
    {
        var options = new ChatCompletionOptions { Temperature = 1, Seed = 11, MaxOutputTokenCount = 12, IncludeLogProbabilities = true, TopLogProbabilityCount = 2 };
        var brief = new ChatCompletionOptions { Temperature = 0, StopSequences = { " + " } };

        ChatCompletion first = await Chat().CompleteChatAsync([ChatMessage.CreateUserMessage("Once")], options);
        ChatCompletion second = await Chat().CompleteChatAsync([ChatMessage.CreateUserMessage("Once")], options);
        ChatCompletion stopped = await Chat().CompleteChatAsync([ChatMessage.CreateUserMessage(Sum)], brief);

        Assert.Equal(12, first.Usage.OutputTokenCount);
        Assert.Equal(OpenAI.Chat.ChatFinishReason.Length, first.FinishReason);
        Assert.Equal(first.Content.SingleOrDefault()?.Text, second.Content.SingleOrDefault()?.Text);
        Assert.Equal(first.ContentTokenLogProbabilities.Select(token => token.LogProbability), second.ContentTokenLogProbabilities.Select(token => token.LogProbability));
        Assert.Equal(OpenAI.Chat.ChatFinishReason.Stop, stopped.FinishReason);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Client_RequiredTool_IsCalledWithArgumentsOfItsSchema(bool byName)
    {
        var options = new ChatCompletionOptions { Temperature = 0, Tools = { Add }, ToolChoice = byName ? ChatToolChoice.CreateFunctionChoice("add") : ChatToolChoice.CreateRequiredChoice(), AllowParallelToolCalls = false };

        ChatCompletion reply = await Chat().CompleteChatAsync([ChatMessage.CreateUserMessage(Sum)], options);

        Assert.Equal(OpenAI.Chat.ChatFinishReason.ToolCalls, reply.FinishReason);
        var call = Assert.Single(reply.ToolCalls);
        Assert.Equal("add", call.FunctionName);
        Assert.StartsWith("call_", call.Id, StringComparison.Ordinal);
        RequireArguments(call.FunctionArguments.ToString());
    }

    [Fact]
    public async Task Client_RequiredToolInAStream_IsCalled()
    {
        var options = new ChatCompletionOptions { Temperature = 0, Tools = { Add }, ToolChoice = ChatToolChoice.CreateRequiredChoice(), AllowParallelToolCalls = false };
        List<StreamingChatToolCallUpdate> calls = [];
        OpenAI.Chat.ChatFinishReason? reason = null;

        await foreach (var update in Chat().CompleteChatStreamingAsync([ChatMessage.CreateUserMessage(Sum)], options))
        {
            calls.AddRange(update.ToolCallUpdates);
            reason ??= update.FinishReason;
        }

        Assert.Equal(OpenAI.Chat.ChatFinishReason.ToolCalls, reason);
        Assert.All(calls, call => Assert.Equal(0, call.Index));
        Assert.Equal("add", calls[0].FunctionName);
        RequireArguments(string.Concat(calls.Select(call => call.FunctionArgumentsUpdate?.ToString())));
    }

    [Fact]
    public async Task Client_AnsweredTool_GoesOnWithTheConversation()
    {
        ChatMessage[] messages =
        [
            ChatMessage.CreateUserMessage(Sum),
            ChatMessage.CreateAssistantMessage([ChatToolCall.CreateFunctionToolCall("call_1", "add", BinaryData.FromString("{\"a\": 123, \"b\": 456}"))]),
            ChatMessage.CreateToolMessage("call_1", "579"),
        ];

        ChatCompletion reply = await Chat().CompleteChatAsync(messages, new ChatCompletionOptions { Temperature = 0, Tools = { Add }, ToolChoice = ChatToolChoice.CreateNoneChoice(), MaxOutputTokenCount = 8 });

        Assert.Empty(reply.ToolCalls);
        Assert.InRange(reply.Usage.OutputTokenCount, 1, 8);
    }

    [Fact]
    public async Task Client_JsonSchema_IsMet()
    {
        var options = new ChatCompletionOptions { Temperature = 0, ResponseFormat = OpenAI.Chat.ChatResponseFormat.CreateJsonSchemaFormat("answer", BinaryData.FromString(Schema), jsonSchemaIsStrict: true) };

        ChatCompletion reply = await Chat().CompleteChatAsync([ChatMessage.CreateUserMessage(Sum)], options);

        var answer = JsonElement.Parse(reply.Content[0].Text);
        Assert.InRange(answer.GetProperty("sum").GetInt32(), 0, 999);
        Assert.Contains(answer.GetProperty("sure").ValueKind, new[] { JsonValueKind.True, JsonValueKind.False });
    }

    [Fact]
    public async Task Client_FaultOfTheRequest_IsItsException()
    {
        var fault = await Assert.ThrowsAsync<ClientResultException>(() => Chat("gpt-4o").CompleteChatAsync([ChatMessage.CreateUserMessage(Sum)]));

        Assert.Equal(404, fault.Status);
        Assert.Contains("The model 'gpt-4o' is not served here; it must be 'deepseek-nano'.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Client_CancelledStream_EndsTheReply()
    {
        using var nano = AlteredNano.WithLongContext();
        await using var server = await RunningServer.StartAsync(model => model.ModelPath = nano.Folder);
        var service = await server.ServiceAsync();
        using var gone = new CancellationTokenSource();
        var options = new ChatCompletionOptions { Temperature = 1, LogitBiases = { [1] = -100 } };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in Chat(server: server).CompleteChatStreamingAsync([ChatMessage.CreateUserMessage("Hi")], options, gone.Token))
                await gone.CancelAsync();
        });

        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(10));
        while (service.Statistics is not { Running: 0, Cancelled: 1 })
            await Task.Delay(5, timeout.Token);
    }

    [Fact]
    public async Task Client_ModelsAndCompletions_Work()
    {
        var client = Client();

        var models = (await client.GetOpenAIModelClient().GetModelsAsync()).Value;

        Assert.Equal([ServerFixture.Model], models.Select(model => model.Id));
    }

    [Fact]
    public async Task ExtensionsClient_ChatAndStream_AreTheSame()
    {
        using var client = Client().GetChatClient(ServerFixture.Model).AsIChatClient();
        var options = new ChatOptions { Temperature = 0.8f, Seed = 21, MaxOutputTokens = 40 };

        var reply = await client.GetResponseAsync(Sum, options);
        StringBuilder streamed = new();
        await foreach (var update in client.GetStreamingResponseAsync(Sum, options))
            streamed.Append(update.Text);

        Assert.Equal(reply.Text, streamed.ToString());
        Assert.Equal(reply.Usage!.TotalTokenCount, reply.Usage.InputTokenCount + reply.Usage.OutputTokenCount);
    }

    [Fact]
    public async Task ExtensionsClient_RequiredTool_IsCalled()
    {
        using var client = Client().GetChatClient(ServerFixture.Model).AsIChatClient();
        var tool = AIFunctionFactory.CreateDeclaration("add", "Adds numbers.", JsonElement.Parse("""{"type": "object", "properties": {"a": {"type": "integer", "minimum": 0, "maximum": 999}}, "required": ["a"]}"""));

        var reply = await client.GetResponseAsync(Sum, new ChatOptions { Temperature = 0, Tools = [tool], ToolMode = ChatToolMode.RequireAny, AllowMultipleToolCalls = false });

        var call = Assert.Single(reply.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>());
        Assert.Equal("add", call.Name);
        Assert.InRange(((JsonElement)call.Arguments!["a"]!).GetInt32(), 0, 999);
        Assert.Equal(Microsoft.Extensions.AI.ChatFinishReason.ToolCalls, reply.FinishReason);
    }

    private static void RequireArguments(string json)
    {
        var arguments = JsonElement.Parse(json);
        Assert.InRange(arguments.GetProperty("a").GetInt32(), 0, 999);
        Assert.Equal(456, arguments.GetProperty("b").GetInt32());
    }

    private ChatClient Chat(string model = ServerFixture.Model, RunningServer? server = null) => Client(server).GetChatClient(model);

    private OpenAIClient Client(RunningServer? server = null) => new(new ApiKeyCredential("none"), new OpenAIClientOptions
    {
        Endpoint = new Uri((server ?? fixture.Server).Client.BaseAddress!, "/v1"),
        RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
    });
}
