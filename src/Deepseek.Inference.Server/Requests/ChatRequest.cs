using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Server.Requests;

/// <summary>A request to <c>/v1/chat/completions</c>.</summary>
/// <param name="Generation">How replies are generated.</param>
/// <param name="Messages">The conversation.</param>
/// <param name="LogProbabilities">Whether the probability of each token is reported.</param>
internal sealed record ChatRequest(GenerationFields Generation, IReadOnlyList<ChatMessage> Messages, bool LogProbabilities)
{
    public static ChatRequest Read(JsonFields fields, DeepseekServerOptions limits)
    {
        var messages = MessageFields.Read(fields);
        var logProbabilities = fields.Flag("logprobs") ?? false;
        var alternatives = fields.Whole("top_logprobs", 0, 20);
        if (alternatives is not null && !logProbabilities)
            throw ApiException.BadRequest("top_logprobs is given, and logprobs is not true; leave it out, or set logprobs.", "top_logprobs");
        var older = fields.Whole("max_tokens", 1, int.MaxValue);
        var maxTokens = fields.Whole("max_completion_tokens", 1, int.MaxValue) ?? older;
        return new ChatRequest(GenerationFields.Read(fields, maxTokens, alternatives ?? 0, limits), messages, logProbabilities);
    }
}
