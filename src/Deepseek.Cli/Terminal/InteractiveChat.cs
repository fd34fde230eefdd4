using System.Globalization;
using System.Text;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Cli.Terminal;

/// <summary>A conversation with somebody who types: replies stream, thinking is dimmed, Ctrl-C stops a reply and keeps the chat.</summary>
internal sealed class InteractiveChat(ToolConsole console, ChatSession session, TextOptions options)
{
    private const string Dim = "\u001b[2m";
    private const string Plain = "\u001b[0m";

    private CancellationTokenSource? _reply;

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        await console.Error.WriteLineAsync("Ask away. Ctrl-C stops a reply; Ctrl-D, or Ctrl-C at the prompt, ends the chat.").ConfigureAwait(false);
        Console.CancelKeyPress += StopReply;
        try
        {
            while (true)
            {
                await console.Out.WriteAsync("> ").ConfigureAwait(false);
                if (await console.In.ReadLineAsync(cancellationToken).ConfigureAwait(false) is not { } line)
                    return DeepseekTool.Success;
                if (!string.IsNullOrWhiteSpace(line))
                    await ReplyAsync(line.Trim(), cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            Console.CancelKeyPress -= StopReply;
            await console.Out.WriteLineAsync().ConfigureAwait(false);
        }
    }

    private async Task ReplyAsync(string question, CancellationToken cancellationToken)
    {
        using var reply = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _reply = reply;
        var forgotten = session.Forgotten;
        try
        {
            var thinking = false;
            await foreach (var update in session.AskAsync(question, options, reply.Token).ConfigureAwait(false))
            {
                if (update.Reasoning.Length > 0 && !thinking)
                    await console.Out.WriteAsync(Colour(Dim)).ConfigureAwait(false);
                thinking |= update.Reasoning.Length > 0;
                await console.Out.WriteAsync(Printable(update.Reasoning)).ConfigureAwait(false);
                if (thinking && update.Text.Length > 0)
                {
                    await console.Out.WriteAsync($"{Colour(Plain)}\n\n").ConfigureAwait(false);
                    thinking = false;
                }

                await console.Out.WriteAsync(Printable(update.Text)).ConfigureAwait(false);
                if (update.Completion is { } completion)
                    await console.Out.WriteLineAsync(Colour(Plain) + Summary(completion)).ConfigureAwait(false);
            }

            if (session.Forgotten > forgotten)
                await console.Error.WriteLineAsync("(The conversation outgrew the context; its oldest messages are forgotten.)").ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await console.Out.WriteLineAsync($"{Colour(Plain)}\n(stopped)").ConfigureAwait(false);
        }
        catch (Exception e) when (e is DeepseekException or ArgumentException)
        {
            await console.Error.WriteLineAsync($"{Colour(Plain)}\nerror: {e.Message}").ConfigureAwait(false);
        }
        finally
        {
            _reply = null;
        }
    }

    private void StopReply(object? sender, ConsoleCancelEventArgs e)
    {
        // At the prompt there is no reply to stop: the chat ends as any program does.
        if (_reply is not { } reply)
            return;
        e.Cancel = true;
        reply.Cancel();
    }

    private string Colour(string sequence) => console.HasColour ? sequence : "";

    private string Summary(TextCompletion completion) => string.Create(CultureInfo.InvariantCulture,
        $"\n{Colour(Dim)}{completion.Usage.Completion} tokens, {completion.Timings.TokensPerSecond:0.0} tokens/s, first after {completion.Timings.FirstToken.TotalMilliseconds:0} ms{Colour(Plain)}\n");

    /// <summary>Without control characters: a model's text must not steer the terminal.</summary>
    private static string Printable(string text)
    {
        var printable = new StringBuilder(text.Length);
        foreach (var character in text)
        {
            if (!char.IsControl(character) || character is '\n' or '\t')
                printable.Append(character);
        }

        return printable.ToString();
    }
}
