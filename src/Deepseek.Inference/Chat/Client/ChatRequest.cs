using System.Text.Json;
using Microsoft.Extensions.AI;
using Said = Deepseek.Inference.Tokenization.ChatMessage;

namespace Deepseek.Inference.Chat.Client;

/// <summary>A call of the chat client, in the library's own terms.</summary>
internal sealed record ChatRequest
{
    /// <summary>What is said.</summary>
    public required IReadOnlyList<Said> Messages { get; init; }

    /// <summary>How it is answered.</summary>
    public required TextOptions Options { get; init; }

    /// <summary>Said before everything; null for nothing.</summary>
    public string? Instructions { get; private init; }

    /// <summary>Functions on offer, as JSON; null for none.</summary>
    public JsonElement? Tools { get; private init; }

    /// <summary>Whether the model thinks; null for its template's own choice.</summary>
    public bool? Thinking { get; private init; }

    /// <summary>Whether what it thinks is handed out.</summary>
    public bool ShowsReasoning { get; private init; } = true;

    /// <summary>The conversation that is remembered; null for none.</summary>
    public string? ConversationId { get; private init; }

    /// <summary>Reads a call.</summary>
    /// <param name="messages">What is said.</param>
    /// <param name="options">How it is answered; null for the defaults.</param>
    /// <param name="client">Whom a factory of raw options is told.</param>
    /// <param name="modelId">The model's name.</param>
    /// <exception cref="ArgumentException">Something cannot be done; it is named.</exception>
    public static ChatRequest Read(IEnumerable<ChatMessage> messages, ChatOptions? options, IChatClient client, string modelId)
    {
        var said = SaidMessages.Of(messages);
        if (options is null)
            return new ChatRequest { Messages = said, Options = new TextOptions() };

        if (options.ModelId is { } asked && asked != modelId)
            throw new ArgumentException($"{nameof(ChatOptions)}.{nameof(ChatOptions.ModelId)} is {asked}; this client's model is {modelId}. Leave it out, or ask a client of that model.", nameof(options));
        if (options.ContinuationToken is not null || options.AllowBackgroundResponses == true)
            throw new ArgumentException($"{nameof(ChatOptions)} asks for a response in the background; this client answers while it is awaited. Leave {nameof(ChatOptions.AllowBackgroundResponses)} and {nameof(ChatOptions.ContinuationToken)} out.", nameof(options));
        var tools = options.ToolMode is NoneChatToolMode ? null : OfferedTools.Of(options.Tools);
        return new ChatRequest
        {
            Messages = said,
            Options = TextOptionsOf(options, tools, client),
            Instructions = options.Instructions,
            Tools = tools,
            Thinking = options.Reasoning?.Effort is { } effort ? effort != ReasoningEffort.None : null,
            ShowsReasoning = options.Reasoning?.Output is not ReasoningOutput.None,
            ConversationId = options.ConversationId,
        };
    }

    /// <summary>A conversation with the instructions before it.</summary>
    public IReadOnlyList<Said> WithInstructions(IReadOnlyList<Said> messages) =>
        string.IsNullOrEmpty(Instructions) ? messages : [Said.System(Instructions), .. messages];

    private static TextOptions TextOptionsOf(ChatOptions options, JsonElement? tools, IChatClient client)
    {
        var basis = options.RawRepresentationFactory?.Invoke(client) switch
        {
            null => new TextOptions(),
            TextOptions raw => raw,
            { } other => throw new ArgumentException($"{nameof(ChatOptions)}.{nameof(ChatOptions.RawRepresentationFactory)} made a {other.GetType().Name}; this client takes {nameof(TextOptions)}.", nameof(options)),
        };
        var sampling = basis.Generation.Sampling;
        var text = basis with
        {
            Generation = basis.Generation with
            {
                MaxNewTokens = options.MaxOutputTokens ?? basis.Generation.MaxNewTokens,
                Sampling = sampling with
                {
                    Temperature = Exact(options.Temperature) ?? sampling.Temperature,
                    TopP = Exact(options.TopP) ?? sampling.TopP,
                    TopK = options.TopK ?? sampling.TopK,
                    FrequencyPenalty = Exact(options.FrequencyPenalty) ?? sampling.FrequencyPenalty,
                    PresencePenalty = Exact(options.PresencePenalty) ?? sampling.PresencePenalty,
                    Seed = options.Seed ?? sampling.Seed,
                },
            },
            StopStrings = options.StopSequences is { Count: > 0 } stops ? [.. basis.StopStrings, .. stops] : basis.StopStrings,
            Constraint = Constraint(options, tools) ?? basis.Constraint,
            MaxReasoningTokens = options.Reasoning?.Effort switch
            {
                ReasoningEffort.Low => ReasoningEffortTokens.Low,
                ReasoningEffort.Medium => ReasoningEffortTokens.Medium,
                _ => basis.MaxReasoningTokens,
            },
        };
        text.Validate();
        return text;
    }

    private static TextConstraint? Constraint(ChatOptions options, JsonElement? tools)
    {
        if (options.ToolMode is RequiredChatToolMode required)
        {
            if (tools is null)
                throw new ArgumentException($"{nameof(ChatOptions)}.{nameof(ChatOptions.ToolMode)} requires a function, and none is offered; give {nameof(ChatOptions.Tools)}.", nameof(options));
            return TextConstraint.ToolCalls(tools.Value, required.RequiredFunctionName, options.AllowMultipleToolCalls ?? false);
        }

        return options.ResponseFormat switch
        {
            ChatResponseFormatJson { Schema: { } schema } => TextConstraint.JsonSchema(schema),
            ChatResponseFormatJson => TextConstraint.JsonObject(),
            _ => null,
        };
    }

    /// <summary>What a caller wrote as 0.8f is 0.8, not 0.800000011920929.</summary>
    private static double? Exact(float? value) => value is { } single ? (double)(decimal)single : null;
}
