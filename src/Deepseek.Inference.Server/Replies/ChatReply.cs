using System.Text.Json;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Server.Replies;

/// <summary>The response to a chat request, whole or in pieces.</summary>
/// <param name="head">What all pieces have in common.</param>
/// <param name="tokenizer">Tells tokens' texts; null where nobody asks for probabilities.</param>
/// <param name="choices">The replies.</param>
internal sealed class ChatReply(ReplyHead head, DeepseekTokenizer? tokenizer, IReadOnlyList<ChoiceReader> choices)
{
    /// <summary>The whole response.</summary>
    public void Write(Utf8JsonWriter json)
    {
        head.Write(json, "chat.completion");
        json.WriteStartArray("choices");
        for (var i = 0; i < choices.Count; i++)
        {
            json.WriteStartObject();
            json.WriteNumber("index", i);
            WriteMessage(json, choices[i]);
            WriteLogProbabilities(json, choices[i]);
            json.WriteString("finish_reason", FinishReasons.Of(choices[i].Completion!));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        UsageJson.Write(json, choices, choices.Count);
    }

    /// <summary>A piece of one reply.</summary>
    /// <param name="json">Receives the event.</param>
    /// <param name="index">Which reply.</param>
    /// <param name="delta">Writes what is new.</param>
    /// <param name="finishReason">Why the reply ended; null while it goes on.</param>
    /// <param name="withTokens">Whether the probabilities of the tokens that have not gone out go with it.</param>
    /// <param name="withUsage">Whether the stream will end with the tokens counted: every piece then has a place for them.</param>
    public void WriteChunk(Utf8JsonWriter json, int index, Action<Utf8JsonWriter> delta, string? finishReason, bool withTokens, bool withUsage)
    {
        head.Write(json, "chat.completion.chunk");
        json.WriteStartArray("choices");
        json.WriteStartObject();
        json.WriteNumber("index", index);
        json.WriteStartObject("delta");
        delta(json);
        json.WriteEndObject();
        WriteLogProbabilities(json, choices[index], withTokens);
        json.WriteString("finish_reason", finishReason);
        json.WriteEndObject();
        json.WriteEndArray();
        if (withUsage)
            json.WriteNull("usage");
    }

    /// <summary>The piece with the tokens counted.</summary>
    public void WriteUsage(Utf8JsonWriter json)
    {
        head.Write(json, "chat.completion.chunk");
        json.WriteStartArray("choices");
        json.WriteEndArray();
        UsageJson.Write(json, choices, choices.Count);
    }

    private static void WriteMessage(Utf8JsonWriter json, ChoiceReader choice)
    {
        json.WriteStartObject("message");
        json.WriteString("role", "assistant");
        if (choice.Completion!.ToolCalls.Count > 0 && choice.Text.Length == 0)
            json.WriteNull("content");
        else
            json.WriteString("content", choice.Text);
        if (choice.Reasoning.Length > 0)
            json.WriteString("reasoning_content", choice.Reasoning);
        if (choice.Completion.ToolCalls.Count > 0)
            ToolCallJson.Write(json, choice.Completion.ToolCalls);
        json.WriteNull("refusal");
        json.WriteEndObject();
    }

    private void WriteLogProbabilities(Utf8JsonWriter json, ChoiceReader choice, bool wanted = true)
    {
        if (tokenizer is null || !wanted)
            json.WriteNull("logprobs");
        else
            LogProbabilityJson.WriteChat(json, tokenizer, choice);
    }
}
