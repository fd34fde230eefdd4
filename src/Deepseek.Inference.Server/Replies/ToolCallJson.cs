using System.Text.Json;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Server.Replies;

/// <summary>Calls of tools.</summary>
internal static class ToolCallJson
{
    /// <param name="json">Receives the array, under the name <c>tool_calls</c>.</param>
    /// <param name="calls">The calls.</param>
    /// <param name="first">The place of the first one among the reply's calls, which pieces of a stream tell; null where all are written at once.</param>
    public static void Write(Utf8JsonWriter json, IReadOnlyList<ToolCall> calls, int? first = null)
    {
        json.WriteStartArray("tool_calls");
        for (var i = 0; i < calls.Count; i++)
        {
            json.WriteStartObject();
            if (first is { } index)
                json.WriteNumber("index", index + i);
            json.WriteString("id", $"call_{Guid.NewGuid():N}");
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", calls[i].Name);
            json.WriteString("arguments", calls[i].Arguments);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
