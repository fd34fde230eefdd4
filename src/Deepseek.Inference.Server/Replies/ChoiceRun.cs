using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Deepseek.Inference.Chat;

namespace Deepseek.Inference.Server.Replies;

/// <summary>Generates all replies of a response at once.</summary>
internal static class ChoiceRun
{
    /// <summary>The updates of all choices as they come; a fault of one ends all.</summary>
    public static IAsyncEnumerable<(int Index, TextUpdate Update)> StreamAsync(TextService service, IReadOnlyList<Choice> choices, CancellationToken cancellationToken) =>
        choices.Count == 1 ? One(service, choices[0], cancellationToken) : Several(service, choices, cancellationToken);

    private static async IAsyncEnumerable<(int, TextUpdate)> One(TextService service, Choice choice, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var update in service.StreamAsync(choice.Prompt, choice.Options, cancellationToken: cancellationToken).ConfigureAwait(false))
            yield return (0, update);
    }

    private static async IAsyncEnumerable<(int, TextUpdate)> Several(TextService service, IReadOnlyList<Choice> choices, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var all = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var updates = Channel.CreateUnbounded<(int, TextUpdate)>(new UnboundedChannelOptions { SingleReader = true });
        var ended = Task.WhenAll(choices.Select((choice, index) => PumpAsync(service, choice, index, updates.Writer, all.Token)));
        _ = ended.ContinueWith(_ => updates.Writer.TryComplete(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        try
        {
            await foreach (var update in updates.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
                yield return update;
        }
        finally
        {
            await all.CancelAsync().ConfigureAwait(false);
            await ended.ConfigureAwait(false);
        }
    }

    private static async Task PumpAsync(TextService service, Choice choice, int index, ChannelWriter<(int, TextUpdate)> writer, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var update in service.StreamAsync(choice.Prompt, choice.Options, cancellationToken: cancellationToken).ConfigureAwait(false))
                writer.TryWrite((index, update));
        }
#pragma warning disable CA1031 // the fault is handed to whoever reads the updates
        catch (Exception fault)
#pragma warning restore CA1031
        {
            writer.TryComplete(fault);
        }
    }
}
