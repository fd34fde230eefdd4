using System.Globalization;
using Deepseek.Inference.Chat;

namespace Deepseek.Samples.Chat;

/// <summary>A conversation with somebody who types: replies stream, thinking is dimmed, Ctrl-C stops a reply and keeps the chat.</summary>
internal sealed class TerminalChat(ChatSession session)
{
    private const string Dim = "\u001b[2m";
    private const string Plain = "\u001b[0m";

    private CancellationTokenSource? _reply;
    private bool _thinking;

    /// <summary>Asks and answers until the input ends (Ctrl-D; on Windows Ctrl-Z and Enter).</summary>
    public async Task RunAsync()
    {
        Console.WriteLine("Ask away. Ctrl-C stops a reply; Ctrl-C at the prompt ends the chat.");
        Console.CancelKeyPress += StopReply;
        while (true)
        {
            Console.Write("> ");
            if (await Console.In.ReadLineAsync() is not { } question)
                return;
            if (!string.IsNullOrWhiteSpace(question))
                await ReplyAsync(question);
        }
    }

    private async Task ReplyAsync(string question)
    {
        var reply = new CancellationTokenSource(); // not disposed, since Ctrl-C may come at any moment
        _reply = reply;
        _thinking = false;
        try
        {
            await foreach (var update in session.AskAsync(question, cancellationToken: reply.Token))
                Show(update);
        }
        catch (OperationCanceledException)
        {
            // What came of the reply stays in the conversation.
            Console.WriteLine($"{Plain}\n(stopped)\n");
        }
        catch (ArgumentException e)
        {
            // The question alone does not fit the context; the conversation is as before.
            Console.WriteLine($"{Plain}\n{e.Message}\n");
        }
        finally
        {
            _reply = null;
        }
    }

    private void Show(TextUpdate update)
    {
        if (update.Reasoning.Length > 0 && !_thinking)
        {
            Console.Write(Dim);
            _thinking = true;
        }

        Console.Write(Printable(update.Reasoning));
        if (_thinking && update.Text.Length > 0)
        {
            Console.Write($"{Plain}\n\n");
            _thinking = false;
        }

        Console.Write(Printable(update.Text));
        if (update.Completion is { } completion)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"\n{Dim}{completion.Usage.Completion} tokens, {completion.Timings.TokensPerSecond:0.0} tokens/s{Plain}\n"));
        }
    }

    /// <summary>A model's text must not steer the terminal: control characters but line ends and tabs are left out.</summary>
    private static string Printable(string text) =>
        string.Concat(text.Where(character => !char.IsControl(character) || character is '\n' or '\t'));

    private void StopReply(object? sender, ConsoleCancelEventArgs e)
    {
        // Without a reply to stop, the program ends as any other does.
        if (_reply is not { } reply)
            return;
        e.Cancel = true;
        reply.Cancel();
    }
}
