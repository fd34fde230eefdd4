using System.Text.Json;
using Microsoft.Extensions.AI;
using FinishReason = Deepseek.Inference.Generation.FinishReason;
using Said = Deepseek.Inference.Tokenization.ChatMessage;

namespace Deepseek.Inference.Chat;

/// <summary>A reply as updates of Microsoft.Extensions.AI.</summary>
internal sealed class ReplyWriter(string modelId, ChatRequest request)
{
    private readonly string _id = $"chatcmpl-{Guid.NewGuid():N}";
    private readonly DateTimeOffset _created = DateTimeOffset.UtcNow;

    /// <summary>What an update says; null where nothing has become certain.</summary>
    public ChatResponseUpdate? Write(TextUpdate update)
    {
        List<AIContent> contents = [];
        if (update.Reasoning.Length > 0 && request.ShowsReasoning)
            contents.Add(new TextReasoningContent(update.Reasoning));
        if (update.Text.Length > 0)
            contents.Add(new TextContent(update.Text));
        foreach (var call in update.ToolCalls)
            contents.Add(FunctionCallContent.CreateFromParsedArguments(call.Arguments, $"call_{Guid.NewGuid():N}", call.Name, Arguments));
        if (update.Completion is { } completion)
            contents.Add(new UsageContent(Usage(completion.Usage)));
        else if (contents.Count == 0)
            return null;

        return new ChatResponseUpdate(ChatRole.Assistant, contents)
        {
            ResponseId = _id,
            MessageId = _id,
            ModelId = modelId,
            CreatedAt = _created,
            ConversationId = request.ConversationId,
            FinishReason = update.Completion is { } whole ? Finish(whole) : null,
            RawRepresentation = update.Completion,
        };
    }

    /// <summary>The reply as a remembered conversation holds it.</summary>
    public static Said Remembered(TextCompletion completion)
    {
        var message = new Said("assistant", completion.Text is { Length: 0 } && completion.ToolCalls.Count > 0 ? null : completion.Text);
        if (completion.Reasoning is { } reasoning)
            message = message with { ReasoningContent = reasoning };
        if (completion.ToolCalls.Count > 0)
            message = message with { ToolCalls = JsonSerializer.SerializeToElement(completion.ToolCalls.Select(call => new { type = "function", function = new { name = call.Name, arguments = call.Arguments } })) };
        return message;
    }

    private static ChatFinishReason Finish(TextCompletion completion) =>
        completion.ToolCalls.Count > 0 ? ChatFinishReason.ToolCalls
        : completion.FinishReason == FinishReason.Length ? ChatFinishReason.Length
        : ChatFinishReason.Stop;

    private static UsageDetails Usage(TokenUsage usage) => new()
    {
        InputTokenCount = usage.Prompt,
        OutputTokenCount = usage.Completion,
        TotalTokenCount = usage.Total,
        CachedInputTokenCount = usage.Cached,
        ReasoningTokenCount = usage.Reasoning,
    };

    private static IDictionary<string, object?>? Arguments(string json) =>
        (IDictionary<string, object?>?)JsonSerializer.Deserialize(json, AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(IDictionary<string, object?>)));
}
