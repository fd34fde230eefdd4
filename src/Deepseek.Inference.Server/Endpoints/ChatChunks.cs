using System.Text.Json;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Server.Replies;

namespace Deepseek.Inference.Server.Endpoints;

/// <summary>Sends a chat's replies in pieces: the role first, then what is new, and why a reply ended at last.</summary>
internal sealed class ChatChunks(HttpResponse response, ChatReply reply, IReadOnlyList<ChoiceReader> choices, bool withUsage, CancellationToken cancellationToken)
{
    private readonly bool[] _begun = new bool[choices.Count];

    public async Task SendAsync(int index, TextUpdate update)
    {
        if (!_begun[index])
        {
            _begun[index] = true;
            await SendAsync(index, json =>
            {
                json.WriteString("role", "assistant");
                json.WriteString("content", "");
            }, withTokens: false).ConfigureAwait(false);
        }

        if (update.Reasoning.Length > 0 || update.Text.Length > 0 || update.ToolCalls.Count > 0)
        {
            await SendAsync(index, json => WriteNew(json, update, choices[index].CallsBefore)).ConfigureAwait(false);
            choices[index].Sent();
        }

        if (update.Completion is { } completion)
        {
            await SendAsync(index, static _ => { }, FinishReasons.Of(completion)).ConfigureAwait(false);
            choices[index].Sent();
        }
    }

    private static void WriteNew(Utf8JsonWriter json, TextUpdate update, int callsBefore)
    {
        if (update.Reasoning.Length > 0)
            json.WriteString("reasoning_content", update.Reasoning);
        if (update.Text.Length > 0)
            json.WriteString("content", update.Text);
        if (update.ToolCalls.Count > 0)
            ToolCallJson.Write(json, update.ToolCalls, callsBefore);
    }

    private Task SendAsync(int index, Action<Utf8JsonWriter> delta, string? finishReason = null, bool withTokens = true) =>
        JsonReply.SendAsync(response.BodyWriter, json => reply.WriteChunk(json, index, delta, finishReason, withTokens, withUsage), cancellationToken);
}
