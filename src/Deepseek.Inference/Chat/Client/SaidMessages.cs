using System.Text.Json;
using Microsoft.Extensions.AI;
using Said = Deepseek.Inference.Tokenization.ChatMessage;

namespace Deepseek.Inference.Chat;

/// <summary>Messages of Microsoft.Extensions.AI, as chat templates read them.</summary>
internal static class SaidMessages
{
    // What a model reads costs tokens: no spaces for people.
    private static readonly JsonSerializerOptions Compact = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };

    /// <summary>The messages; one that holds several results of functions becomes as many.</summary>
    /// <exception cref="ArgumentException">A message is null, or holds something other than text, reasoning, calls and results of functions.</exception>
    public static IReadOnlyList<Said> Of(IEnumerable<ChatMessage> messages)
    {
        List<Said> said = [];
        foreach (var message in messages)
        {
            if (message is null)
                throw new ArgumentException($"messages[{said.Count}] is null; every message must be given.", nameof(messages));
            Add(said, message);
        }

        return said.Count > 0 ? said : throw new ArgumentException("There are no messages; a conversation needs at least one.", nameof(messages));
    }

    private static void Add(List<Said> said, ChatMessage message)
    {
        List<string> text = [], reasoning = [];
        List<FunctionCallContent> calls = [];
        var results = 0;
        foreach (var content in message.Contents)
        {
            switch (content)
            {
                case TextContent part:
                    text.Add(part.Text);
                    break;
                case TextReasoningContent part:
                    reasoning.Add(part.Text);
                    break;
                case FunctionCallContent call:
                    calls.Add(call);
                    break;
                case FunctionResultContent result:
                    said.Add(new Said("tool", Result(result)) { ToolCallId = result.CallId });
                    results++;
                    break;
                case UsageContent or ErrorContent:
                    break; // about the conversation, not of it
                default:
                    throw new ArgumentException($"A message of the role {message.Role} holds {content.GetType().Name}; the model reads text, reasoning, and calls and results of functions alone.", nameof(message));
            }
        }

        if (results > 0 && text.Count == 0 && calls.Count == 0)
            return;
        var answer = string.Concat(text);
        var written = new Said(message.Role.Value, answer.Length == 0 && calls.Count > 0 ? null : answer);
        if (reasoning.Count > 0)
            written = written with { ReasoningContent = string.Concat(reasoning) };
        if (calls.Count > 0)
            written = written with { ToolCalls = JsonSerializer.SerializeToElement(calls.Select(Call)) };
        said.Add(written);
    }

    private static object Call(FunctionCallContent call) => new
    {
        id = call.CallId,
        type = "function",
        function = new { name = call.Name, arguments = JsonSerializer.Serialize(call.Arguments ?? new Dictionary<string, object?>(), Compact.GetTypeInfo(typeof(IDictionary<string, object?>))) },
    };

    private static string Result(FunctionResultContent result) => result switch
    {
        { Exception: { } fault } => $"error: {fault.Message}",
        { Result: null } => "null",
        { Result: string text } => text,
        { Result: JsonElement { ValueKind: JsonValueKind.String } element } => element.GetString()!,
        { Result: TextContent content } => content.Text,
        _ => JsonSerializer.Serialize(result.Result, Compact.GetTypeInfo(result.Result.GetType())),
    };
}
