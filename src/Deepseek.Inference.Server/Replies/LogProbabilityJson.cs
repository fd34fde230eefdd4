using System.Text;
using System.Text.Json;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Server.Replies;

/// <summary>The probabilities of tokens.</summary>
internal static class LogProbabilityJson
{
    private const double Least = -9999; // JSON has no infinity

    /// <summary>In the form of chat completions; the reasoning's tokens stand apart from the answer's.</summary>
    public static void WriteChat(Utf8JsonWriter json, DeepseekTokenizer tokenizer, ChoiceReader choice)
    {
        json.WriteStartObject("logprobs");
        WriteList(json, "content", tokenizer, choice.Tokens);
        if (choice.ThoughtTokens.Count > 0)
            WriteList(json, "reasoning_content", tokenizer, choice.ThoughtTokens);
        json.WriteNull("refusal");
        json.WriteEndObject();
    }

    /// <summary>In the older form: lists side by side.</summary>
    /// <param name="json">Receives the object, under the name <c>logprobs</c>.</param>
    /// <param name="tokenizer">Tells the tokens' texts.</param>
    /// <param name="tokens">The tokens.</param>
    /// <param name="offset">Where the first one's text begins.</param>
    /// <param name="alternatives">Whether the most probable tokens are listed.</param>
    /// <returns>Where the text after the last token begins.</returns>
    public static int WriteLists(Utf8JsonWriter json, DeepseekTokenizer tokenizer, List<TokenResult> tokens, int offset, bool alternatives)
    {
        json.WriteStartObject("logprobs");
        json.WriteStartArray("tokens");
        foreach (var token in tokens)
            json.WriteStringValue(Text(tokenizer, token.Id));
        json.WriteEndArray();
        json.WriteStartArray("token_logprobs");
        foreach (var token in tokens)
            json.WriteNumberValue(Bounded(token.LogProbability));
        json.WriteEndArray();
        if (!alternatives)
            json.WriteNull("top_logprobs");
        else
        {
            json.WriteStartArray("top_logprobs");
            foreach (var token in tokens)
                WriteMap(json, tokenizer, token);
            json.WriteEndArray();
        }

        json.WriteStartArray("text_offset");
        foreach (var token in tokens)
        {
            json.WriteNumberValue(offset);
            offset += Text(tokenizer, token.Id).Length;
        }

        json.WriteEndArray();
        json.WriteEndObject();
        return offset;
    }

    private static void WriteList(Utf8JsonWriter json, string name, DeepseekTokenizer tokenizer, List<TokenResult> tokens)
    {
        json.WriteStartArray(name);
        foreach (var token in tokens)
        {
            json.WriteStartObject();
            WriteToken(json, tokenizer, token.Id, token.LogProbability);
            json.WriteStartArray("top_logprobs");
            foreach (var other in token.Alternatives)
            {
                json.WriteStartObject();
                WriteToken(json, tokenizer, other.Id, other.LogProbability);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteToken(Utf8JsonWriter json, DeepseekTokenizer tokenizer, int id, double logProbability)
    {
        json.WriteString("token", Text(tokenizer, id));
        json.WriteNumber("logprob", Bounded(logProbability));
        json.WriteStartArray("bytes");
        foreach (var value in tokenizer.TokenBytes(id).Span)
            json.WriteNumberValue(value);
        json.WriteEndArray();
    }

    // Several tokens may look alike, since each may hold a part of a character: the most probable one keeps the name.
    private static void WriteMap(Utf8JsonWriter json, DeepseekTokenizer tokenizer, TokenResult token)
    {
        HashSet<string> named = [];
        json.WriteStartObject();
        foreach (var other in token.Alternatives)
        {
            if (Text(tokenizer, other.Id) is var text && named.Add(text))
                json.WriteNumber(text, Bounded(other.LogProbability));
        }

        json.WriteEndObject();
    }

    private static string Text(DeepseekTokenizer tokenizer, int id) => Encoding.UTF8.GetString(tokenizer.TokenBytes(id).Span);

    private static double Bounded(double logProbability) => Math.Max(Least, logProbability);
}
