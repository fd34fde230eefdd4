using System.CommandLine;
using Deepseek.Cli.Terminal;
using Deepseek.Inference.Chat;

namespace Deepseek.Cli.Commands;

/// <summary><c>deepseek chat</c>: a conversation in the terminal, or one question a line from a pipe.</summary>
internal static class ChatCommand
{
    public static Command Create(ToolConsole console)
    {
        var system = new Option<string?>("--system") { Description = "Instructions for the whole conversation.", HelpName = "TEXT", Arity = ArgumentArity.ExactlyOne };
        var load = CommonOptions.Path("--load", "FILE", "A saved conversation to take up; the model and its options must be those it was saved with.");
        var save = CommonOptions.Path("--save", "FILE", "Where the conversation and its cache are written to when the chat ends.");
        var noHistory = new Option<bool>("--no-history") { Description = "Keep nothing of what is entered for later chats." };
        var (model, json) = (CommonOptions.Model(), CommonOptions.Json());
        var command = new Command("chat", "Talks with a model; /help shows the commands of a chat. Where input is not a terminal, every line is a question, and all of them are one conversation.") { model, system, load, save, noHistory, json };
        var generation = new GenerationOptionSet(command, console);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var text = generation.Read(parsed);
            var options = new ChatOptions(
                CommonOptions.Folder(parsed, model), generation.ReadModel(parsed), parsed.GetValue(system), text, parsed.GetValue(load), parsed.GetValue(save), KeepsHistory: !parsed.GetValue(noHistory));
            options.Validate();
            return console.IsInteractive && !parsed.GetValue(json)
                ? await InteractiveChat.RunAsync(console, options, cancellationToken).ConfigureAwait(false)
                : await AnswerLinesAsync(console, options, parsed.GetValue(json), cancellationToken).ConfigureAwait(false);
        });
        return command.WithExamples(
            "deepseek chat --temperature 0",
            "deepseek chat --model ./DeepSeek-V2-Lite --system \"Answer briefly.\"",
            "deepseek chat --load talk.chat --save talk.chat",
            "echo \"What is 123 + 456?\" | deepseek chat --temperature 0");
    }

    private static async Task<int> AnswerLinesAsync(ToolConsole console, ChatOptions options, bool json, CancellationToken cancellationToken)
    {
        using var generator = await ModelLoading.LoadAsync(console, options.Folder, options.Model, needsTokenizer: true, cancellationToken).ConfigureAwait(false);
        using var session = await options.BeginAsync(generator, cancellationToken).ConfigureAwait(false);
        try
        {
            while (await console.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
            {
                if (!string.IsNullOrWhiteSpace(line))
                    await AnswerAsync(console, session, line.Trim(), options.Text, json, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            if (options.Save is { } path) // what was said until a fault is kept too
            {
                using var step = console.Interrupts.BeginLastStep();
                await session.SaveAsync(path, CancellationToken.None).ConfigureAwait(false);
            }
        }

        return DeepseekTool.Success;
    }

    private static async Task AnswerAsync(ToolConsole console, ChatSession session, string question, TextOptions options, bool json, CancellationToken cancellationToken)
    {
        await foreach (var update in session.AskAsync(question, options, cancellationToken).ConfigureAwait(false))
        {
            if (!json)
                await console.Out.WriteAsync(PrintableText.Of(update.Text)).ConfigureAwait(false);
            if (update.Completion is { } completion)
                await console.Out.WriteLineAsync(json ? JsonLines.Completion(completion) : "").ConfigureAwait(false);
        }
    }
}
