using Deepseek.Inference.Chat;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Models;

namespace Deepseek.Cli.Terminal;

/// <summary>A conversation with somebody who types: replies stream, thinking is faint, Ctrl-C stops a reply and keeps the chat.</summary>
internal sealed class InteractiveChat
{
    private readonly ToolConsole _console;
    private readonly TerminalView _view;
    private readonly ChatSession _session;
    private readonly TextOptions _options;

    private InteractiveChat(ToolConsole console, TerminalView view, ChatSession session, TextOptions options) =>
        (_console, _view, _session, _options) = (console, view, session, options);

    /// <summary>Loads a model and talks until input ends.</summary>
    public static async Task<int> RunAsync(
        ToolConsole console, string folder, ModelOptions modelOptions, string? instructions, TextOptions options, CancellationToken cancellationToken)
    {
        var view = new TerminalView(console);
        view.Heading(Path.GetFileName(Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar)));
        using var generator = await view.WhileAsync("Loading …", show =>
            ModelLoading.LoadAsync(folder, modelOptions, needsTokenizer: true, new Percentage(show), cancellationToken)).ConfigureAwait(false);
        using var session = new ChatSession(generator, instructions);
        return await new InteractiveChat(console, view, session, options).TalkAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<int> TalkAsync(CancellationToken cancellationToken)
    {
        await _console.Error.WriteLineAsync("Ask away. Ctrl-C stops a reply; Ctrl-D, or Ctrl-C here, ends the chat.").ConfigureAwait(false);
        while (true)
        {
            if (await AskAsync(cancellationToken).ConfigureAwait(false) is not { } line)
                return DeepseekTool.Success;
            if (!string.IsNullOrWhiteSpace(line))
                await ReplyAsync(line.Trim(), cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<string?> AskAsync(CancellationToken cancellationToken)
    {
        await _console.Error.WriteAsync("> ").ConfigureAwait(false);
        string? line = null;
        try
        {
            return line = await _console.ReadLineAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (line is null)
                await _console.Error.WriteLineAsync().ConfigureAwait(false); // whatever follows begins on a line of its own
        }
    }

    private async Task ReplyAsync(string question, CancellationToken cancellationToken)
    {
        using var reply = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _console.Interrupts.DivertTo(reply);
        var forgotten = _session.Forgotten;
        try
        {
            await StreamAsync(question, reply.Token).ConfigureAwait(false);
            if (_session.Forgotten > forgotten)
                await NoteAsync("(The conversation outgrew the context; its oldest messages are forgotten.)").ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await NoteAsync($"{_view.End}\n(stopped)").ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is DeepseekException or ArgumentException)
        {
            // A question that is too long is no reason to end the conversation.
            await NoteAsync($"{_view.End}error: {PrintableText.Line(FaultReport.Of(fault, _console.Interrupts).Message!)}").ConfigureAwait(false);
        }
        finally
        {
            _console.Interrupts.DivertTo(null);
        }
    }

    private async Task StreamAsync(string question, CancellationToken cancellationToken)
    {
        var updates = _session.AskAsync(question, _options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        await using (updates.ConfigureAwait(false))
        {
            var thinking = false;
            var more = await _view.WhileAsync("Reading …", _ => updates.MoveNextAsync().AsTask()).ConfigureAwait(false);
            for (; more; more = await updates.MoveNextAsync().ConfigureAwait(false))
            {
                var update = updates.Current;
                if (update.Reasoning.Length > 0 && !thinking)
                    await _console.Out.WriteAsync(_view.Begin).ConfigureAwait(false);
                thinking |= update.Reasoning.Length > 0;
                await _console.Out.WriteAsync(PrintableText.Of(update.Reasoning)).ConfigureAwait(false);
                if (thinking && update.Text.Length > 0)
                {
                    await _console.Out.WriteAsync($"{_view.End}\n\n").ConfigureAwait(false);
                    thinking = false;
                }

                await _console.Out.WriteAsync(PrintableText.Of(update.Text)).ConfigureAwait(false);
                if (update.Completion is { } completion)
                    await FinishAsync(completion).ConfigureAwait(false);
            }
        }
    }

    private async Task FinishAsync(TextCompletion completion)
    {
        await _console.Out.WriteLineAsync(_view.End).ConfigureAwait(false);
        await NoteAsync(_view.Faint(FormattableString.Invariant(
            $"{completion.Usage.Completion} tokens, {completion.Timings.TokensPerSecond:0.0} tokens/s, first after {completion.Timings.FirstToken.TotalMilliseconds:0} ms"))).ConfigureAwait(false);
    }

    private Task NoteAsync(string note) => _console.Error.WriteLineAsync(note);

    private sealed class Percentage(Action<string> show) : IProgress<LoadProgress>
    {
        private long _shown;

        public void Report(LoadProgress value)
        {
            var percent = value.TotalBytes > 0 ? 100 * value.Bytes / value.TotalBytes : 0;
            if (Interlocked.Exchange(ref _shown, percent) != percent)
                show(FormattableString.Invariant($"Loading … {percent} %"));
        }
    }
}
