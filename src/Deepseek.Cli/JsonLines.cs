using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Deepseek.Inference.Chat;

namespace Deepseek.Cli;

/// <summary>JSON as the tool writes it: one object a line, non-ASCII text as it is.</summary>
internal static class JsonLines
{
    public static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>One line with one object.</summary>
    public static string Line(Action<Utf8JsonWriter> members)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Options))
        {
            writer.WriteStartObject();
            members(writer);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    public static void WriteIds(this Utf8JsonWriter writer, string name, IEnumerable<int> ids)
    {
        writer.WriteStartArray(name);
        foreach (var id in ids)
            writer.WriteNumberValue(id);
        writer.WriteEndArray();
    }

    /// <summary>A reply: text, reasoning, ids, finish_reason, usage, timings.</summary>
    public static string Completion(TextCompletion completion) => Line(writer =>
    {
        writer.WriteString("text", completion.Text);
        writer.WriteString("reasoning", completion.Reasoning);
        writer.WriteIds("ids", completion.Ids);
        writer.WriteString("finish_reason", completion.FinishReason == Inference.Generation.FinishReason.Stop ? "stop" : "length");

        writer.WriteStartObject("usage");
        writer.WriteNumber("prompt_tokens", completion.Usage.Prompt);
        writer.WriteNumber("cached_tokens", completion.Usage.Cached);
        writer.WriteNumber("completion_tokens", completion.Usage.Completion);
        writer.WriteNumber("total_tokens", completion.Usage.Total);
        writer.WriteEndObject();

        writer.WriteStartObject("timings");
        writer.WriteNumber("first_token_ms", Math.Round(completion.Timings.FirstToken.TotalMilliseconds, 3));
        writer.WriteNumber("decode_ms", Math.Round(completion.Timings.Decoding.TotalMilliseconds, 3));
        writer.WriteNumber("decode_tokens_per_second", Math.Round(completion.Timings.TokensPerSecond, 3));
        writer.WriteEndObject();
    });
}
