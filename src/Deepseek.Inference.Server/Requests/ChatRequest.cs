using System.Text.Json;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Server.Requests;

/// <summary>A request to <c>/v1/chat/completions</c>.</summary>
/// <param name="Generation">How replies are generated.</param>
/// <param name="Messages">The conversation.</param>
/// <param name="LogProbabilities">Whether the probability of each token is reported.</param>
/// <param name="Tools">The tools that the model is offered; null for none.</param>
/// <param name="Thinking">Whether the model thinks before it answers; null for as its template has it.</param>
internal sealed record ChatRequest(GenerationFields Generation, IReadOnlyList<ChatMessage> Messages, bool LogProbabilities, JsonElement? Tools, bool? Thinking)
{
    private const string Efforts = "none, minimal, low, medium, high or xhigh";

    public static ChatRequest Read(JsonFields fields, DeepseekServerOptions limits)
    {
        var messages = MessageFields.Read(fields);
        var logProbabilities = fields.Flag("logprobs") ?? false;
        var alternatives = fields.Whole("top_logprobs", 0, 20);
        if (alternatives is not null && !logProbabilities)
            throw ApiException.BadRequest("top_logprobs is given, and logprobs is not true; leave it out, or set logprobs.", "top_logprobs");
        var older = fields.Whole("max_tokens", 1, int.MaxValue);
        var maxTokens = fields.Whole("max_completion_tokens", 1, int.MaxValue) ?? older;
        var generation = GenerationFields.Read(fields, maxTokens, alternatives ?? 0, limits);
        var (thinking, budget) = ReadThinking(fields);
        var form = FormFields.Read(fields);
        return new ChatRequest(
            generation with { Options = generation.Options with { Constraint = form.Constraint, MaxReasoningTokens = budget } }, messages, logProbabilities, form.Tools, thinking);
    }

    /// <summary>Whether the model thinks, and for how many tokens at most.</summary>
    private static (bool? Thinks, int? Budget) ReadThinking(JsonFields fields) => fields.Text("reasoning_effort", Efforts) switch
    {
        null => (null, null),
        "none" or "minimal" => (false, null),
        "low" => (true, ReasoningEffortTokens.Low),
        "medium" => (true, ReasoningEffortTokens.Medium),
        "high" or "xhigh" => (true, null),
        _ => throw JsonFields.Wrong("reasoning_effort", fields.Find("reasoning_effort"), Efforts),
    };
}
