using Deepseek.Cli.Terminal.Editing;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Models;

namespace Deepseek.Cli.Terminal;

/// <summary>A conversation with somebody who types: replies stream, thinking is faint, Ctrl-C stops a reply and keeps the chat, lines that begin with a slash are commands.</summary>
internal sealed class InteractiveChat
{
    private readonly ToolConsole _console;
    private readonly TerminalView _view;
    private readonly QuestionReader _questions;
    private readonly ChatCommands _commands;
    private readonly TextOptions _options;

    private InteractiveChat(ToolConsole console, TerminalView view, QuestionReader questions, ChatCommands commands, TextOptions options) =>
        (_console, _view, _questions, _commands, _options) = (console, view, questions, commands, options);

    /// <summary>Loads a model and talks until input ends.</summary>
    public static async Task<int> RunAsync(ToolConsole console, ChatOptions options, CancellationToken cancellationToken)
    {
        var view = new TerminalView(console);
        view.Heading(Path.GetFileName(Path.GetFullPath(options.Folder).TrimEnd(Path.DirectorySeparatorChar)));
        using var generator = await view.WhileAsync("Loading …", show =>
            ModelLoading.LoadAsync(options.Folder, options.Model, needsTokenizer: true, new Percentage(show), cancellationToken)).ConfigureAwait(false);
        using var commands = new ChatCommands(console, generator, await options.BeginAsync(generator, cancellationToken).ConfigureAwait(false));
        var chat = new InteractiveChat(console, view, new QuestionReader(Lines(console, options.KeepsHistory)), commands, options.Text);
        try
        {
            return await chat.TalkAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (options.Save is { } path) // however the chat ends
            {
                using var step = console.Interrupts.BeginLastStep();
                await commands.SaveAsync(path, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private static ILineSource Lines(ToolConsole console, bool keepsHistory) => console.Keys is { } keys
        ? new LineEditor(console.Error, keys, ChatHistory.Open(keepsHistory ? ChatHistory.DefaultPath() : null, console.Error.WriteLine))
        : new PlainLines(console);

    private async Task<int> TalkAsync(CancellationToken cancellationToken)
    {
        await NoteAsync("Ask away. Ctrl-C stops a reply; Ctrl-D ends the chat; /help shows commands.").ConfigureAwait(false);
        var goesOn = true;
        while (goesOn && await _questions.ReadAsync(cancellationToken).ConfigureAwait(false) is { } entry)
        {
            if (entry.MayBeCommand && entry.Text.StartsWith('/') && !entry.Text.StartsWith("//", StringComparison.Ordinal))
                goesOn = await CommandAsync(entry.Text, cancellationToken).ConfigureAwait(false);
            else if (!string.IsNullOrWhiteSpace(entry.Text))
                await ReplyAsync(entry.MayBeCommand && entry.Text.StartsWith('/') ? entry.Text[1..] : entry.Text, cancellationToken).ConfigureAwait(false);
        }

        return DeepseekTool.Success;
    }

    private async Task<bool> CommandAsync(string line, CancellationToken cancellationToken)
    {
        try
        {
            return await _commands.RunAsync(line, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is DeepseekException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            await FaultAsync(fault).ConfigureAwait(false);
            return true;
        }
    }

    private async Task ReplyAsync(string question, CancellationToken cancellationToken)
    {
        using var reply = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _console.Interrupts.DivertTo(reply);
        var forgotten = _commands.Session.Forgotten;
        try
        {
            await StreamAsync(question, reply.Token).ConfigureAwait(false);
            if (_commands.Session.Forgotten > forgotten)
                await NoteAsync("(The conversation outgrew the context; its oldest messages are forgotten.)").ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await NoteAsync($"{_view.End}\n(stopped)").ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is DeepseekException or ArgumentException)
        {
            // A question that is too long is no reason to end the conversation.
            await FaultAsync(fault).ConfigureAwait(false);
        }
        finally
        {
            _console.Interrupts.DivertTo(null);
        }
    }

    private async Task StreamAsync(string question, CancellationToken cancellationToken)
    {
        var updates = _commands.Session.AskAsync(question, _options, cancellationToken).GetAsyncEnumerator(cancellationToken);
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
        _commands.Last = completion;
        await _console.Out.WriteLineAsync(_view.End).ConfigureAwait(false);
        await NoteAsync(_view.Faint(FormattableString.Invariant(
            $"{completion.Usage.Completion} tokens, {completion.Timings.TokensPerSecond:0.0} tokens/s, first after {completion.Timings.FirstToken.TotalMilliseconds:0} ms"))).ConfigureAwait(false);
    }

    private Task FaultAsync(Exception fault) => NoteAsync($"{_view.End}error: {PrintableText.Line(FaultReport.Of(fault, _console.Interrupts).Message!)}");

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
