using Deepseek.Inference.Chat;

namespace Deepseek.Inference.Tests.Chat;

/// <summary>Collects streamed replies.</summary>
internal static class Replies
{
    public static async Task<List<TextUpdate>> Collect(IAsyncEnumerable<TextUpdate> updates)
    {
        List<TextUpdate> all = [];
        await foreach (var update in updates)
            all.Add(update);
        return all;
    }

    public static async Task<TextCompletion> Last(IAsyncEnumerable<TextUpdate> updates) => (await Collect(updates))[^1].Completion!;

    public static string Text(IEnumerable<TextUpdate> updates) => string.Concat(updates.Select(update => update.Text));

    public static string Reasoning(IEnumerable<TextUpdate> updates) => string.Concat(updates.Select(update => update.Reasoning));
}
