using System.Globalization;
using System.Text.Json;

namespace Deepseek.Inference.Server.Requests;

/// <summary>A request to <c>/v1/completions</c>.</summary>
/// <param name="Generation">How replies are generated.</param>
/// <param name="Prompts">What is continued.</param>
/// <param name="Echo">Whether a reply begins with its prompt.</param>
/// <param name="LogProbabilities">Whether the probability of each token is reported.</param>
internal sealed record CompletionRequest(GenerationFields Generation, IReadOnlyList<CompletionPrompt> Prompts, bool Echo, bool LogProbabilities)
{
    private const int DefaultMaxTokens = 16; // OpenAI's
    private const string Expected = "a string, an array of strings, an array of token ids, or an array of such arrays";

    public static CompletionRequest Read(JsonFields fields, DeepseekServerOptions limits)
    {
        var prompts = ReadPrompts(fields, limits.MaxPrompts);
        if (fields.Find("suffix") is { } suffix && !(suffix.ValueKind == JsonValueKind.String && suffix.GetString() == ""))
            throw ApiException.BadRequest("suffix is given; the model continues texts and fills no gaps. Leave it out.", "suffix");
        var logProbabilities = fields.Whole("logprobs", 0, 5);
        var echo = fields.Flag("echo") ?? false;
        if (echo && logProbabilities is not null)
            throw ApiException.BadRequest("echo and logprobs are given together; the tokens of a prompt have no probabilities here. Leave one of them out.", "echo");
        var generation = GenerationFields.Read(fields, fields.Whole("max_tokens", 1, int.MaxValue) ?? DefaultMaxTokens, logProbabilities ?? 0, limits);
        if (fields.Whole("best_of", 1, 1024) is { } best && best != generation.Choices)
            throw ApiException.BadRequest(FormattableString.Invariant($"best_of is {best} and n {generation.Choices}; all replies are returned here, so it must be equal to n. Leave it out."), "best_of");
        return new CompletionRequest(generation, prompts, echo, logProbabilities is not null);
    }

    private static List<CompletionPrompt> ReadPrompts(JsonFields fields, int most)
    {
        if (fields.Find("prompt") is not { } prompt)
            throw JsonFields.Wrong("prompt", null, Expected);
        if (prompt.ValueKind == JsonValueKind.String)
            return [new CompletionPrompt(prompt.GetString(), null)];
        if (prompt.ValueKind != JsonValueKind.Array || prompt.GetArrayLength() == 0)
            throw JsonFields.Wrong("prompt", prompt, Expected);
        if (prompt[0].ValueKind == JsonValueKind.Number)
            return [new CompletionPrompt(null, ReadIds(prompt, "prompt"))];
        if (prompt.GetArrayLength() > most)
            throw JsonFields.Wrong("prompt", prompt, FormattableString.Invariant($"at most {most} prompts. Send the others in another request"));
        return [.. prompt.EnumerateArray().Select((item, i) => ReadOne(item, string.Create(CultureInfo.InvariantCulture, $"prompt[{i}]")))];
    }

    private static CompletionPrompt ReadOne(JsonElement item, string path) => item.ValueKind switch
    {
        JsonValueKind.String => new CompletionPrompt(item.GetString(), null),
        JsonValueKind.Array => new CompletionPrompt(null, ReadIds(item, path)),
        _ => throw JsonFields.Wrong(path, item, "a string or an array of token ids"),
    };

    private static int[] ReadIds(JsonElement ids, string path) =>
        [.. ids.EnumerateArray().Select((id, i) => id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out var value) && value >= 0
            ? value
            : throw JsonFields.Wrong(string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"), id, "a token id, a whole number of 0 or more"))];
}

/// <summary>What is continued: a text, or tokens.</summary>
/// <param name="Text">The text; null where tokens are given.</param>
/// <param name="Ids">The tokens; null where a text is given.</param>
internal sealed record CompletionPrompt(string? Text, IReadOnlyList<int>? Ids);
