using System.Text.Json;

namespace Deepseek.Inference.Server.Replies;

/// <summary>The tokens of a response: those of a prompt count once, however many replies it has.</summary>
internal static class UsageJson
{
    /// <param name="json">Receives the object, under the name <c>usage</c>.</param>
    /// <param name="choices">The replies, all ended; those of one prompt one after the other.</param>
    /// <param name="perPrompt">Replies to each prompt.</param>
    public static void Write(Utf8JsonWriter json, IReadOnlyList<ChoiceReader> choices, int perPrompt)
    {
        var first = choices.Where((_, i) => i % perPrompt == 0).Select(choice => choice.Completion!.Usage).ToList();
        var (prompt, completion) = (first.Sum(usage => (long)usage.Prompt), choices.Sum(choice => (long)choice.Completion!.Usage.Completion));
        json.WriteStartObject("usage");
        json.WriteNumber("prompt_tokens", prompt);
        json.WriteNumber("completion_tokens", completion);
        json.WriteNumber("total_tokens", prompt + completion);
        json.WriteStartObject("prompt_tokens_details");
        json.WriteNumber("cached_tokens", first.Sum(usage => (long)usage.Cached));
        json.WriteEndObject();
        json.WriteStartObject("completion_tokens_details");
        json.WriteNumber("reasoning_tokens", choices.Sum(choice => (long)choice.Completion!.Usage.Reasoning));
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
