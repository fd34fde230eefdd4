using System.Text.Json;
using Deepseek.Inference.Chat;

namespace Deepseek.Inference.Server.Replies;

/// <summary>Sends the events of a streamed response.</summary>
/// <remarks>Nothing is sent before the first token: until then a fault is a status, as in a response that comes at once.</remarks>
internal static class StreamedReply
{
    /// <param name="response">Receives the events.</param>
    /// <param name="updates">What is generated.</param>
    /// <param name="choices">The replies, which take the updates.</param>
    /// <param name="send">Sends what is new of a reply.</param>
    /// <param name="usage">Writes the tokens counted; null where nobody asked for them.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task SendAsync(
        HttpResponse response, IAsyncEnumerable<(int Index, TextUpdate Update)> updates, IReadOnlyList<ChoiceReader> choices,
        Func<int, TextUpdate, Task> send, Action<Utf8JsonWriter>? usage, CancellationToken cancellationToken)
    {
        var begun = false;
        await foreach (var (index, update) in updates.ConfigureAwait(false))
        {
            if (!begun)
                JsonReply.BeginEvents(response);
            begun = true;
            choices[index].Take(update);
            await send(index, update).ConfigureAwait(false);
        }

        if (usage is not null)
            await JsonReply.SendAsync(response.BodyWriter, usage, cancellationToken).ConfigureAwait(false);
        await JsonReply.EndAsync(response.BodyWriter, cancellationToken).ConfigureAwait(false);
    }
}
