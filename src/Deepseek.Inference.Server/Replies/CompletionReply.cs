using System.Text.Json;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Server.Replies;

/// <summary>The response to a request to continue texts, whole or in pieces.</summary>
/// <param name="head">What all pieces have in common.</param>
/// <param name="tokenizer">Tells tokens' texts; null where nobody asks for probabilities.</param>
/// <param name="choices">The replies; those of one prompt one after the other.</param>
/// <param name="perPrompt">Replies to each prompt.</param>
/// <param name="alternatives">Whether the most probable tokens are listed.</param>
internal sealed class CompletionReply(ReplyHead head, DeepseekTokenizer? tokenizer, IReadOnlyList<ChoiceReader> choices, int perPrompt, bool alternatives)
{
    private const string Kind = "text_completion"; // of pieces, too

    private readonly int[] _offsets = new int[choices.Count]; // where the next token's text begins

    /// <summary>The whole response.</summary>
    /// <param name="json">Receives it.</param>
    /// <param name="echoes">What stands before each reply.</param>
    public void Write(Utf8JsonWriter json, IReadOnlyList<string> echoes)
    {
        head.Write(json, Kind);
        json.WriteStartArray("choices");
        for (var i = 0; i < choices.Count; i++)
            WriteChoice(json, i, echoes[i] + choices[i].Text, FinishReasons.Of(choices[i].Completion!));
        json.WriteEndArray();
        UsageJson.Write(json, choices, perPrompt);
    }

    /// <summary>A piece of one reply.</summary>
    public void WriteChunk(Utf8JsonWriter json, int index, string text, string? finishReason, bool withUsage)
    {
        head.Write(json, Kind);
        json.WriteStartArray("choices");
        WriteChoice(json, index, text, finishReason);
        json.WriteEndArray();
        if (withUsage)
            json.WriteNull("usage");
    }

    /// <summary>The piece with the tokens counted.</summary>
    public void WriteUsage(Utf8JsonWriter json)
    {
        head.Write(json, Kind);
        json.WriteStartArray("choices");
        json.WriteEndArray();
        UsageJson.Write(json, choices, perPrompt);
    }

    private void WriteChoice(Utf8JsonWriter json, int index, string text, string? finishReason)
    {
        json.WriteStartObject();
        json.WriteNumber("index", index);
        json.WriteString("text", text);
        if (tokenizer is null)
            json.WriteNull("logprobs");
        else
            _offsets[index] = LogProbabilityJson.WriteLists(json, tokenizer, choices[index].Tokens, _offsets[index], alternatives);
        json.WriteString("finish_reason", finishReason);
        json.WriteEndObject();
    }
}
