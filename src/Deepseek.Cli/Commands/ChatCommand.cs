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
        var (model, json) = (CommonOptions.Model(), CommonOptions.Json());
        var command = new Command("chat", "Talks with a model. Where input is not a terminal, every line is a question, and all of them are one conversation.") { model, system, json };
        var generation = new GenerationOptionSet(command, console);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = generation.Read(parsed);
            var (folder, modelOptions) = (CommonOptions.Folder(parsed, model), generation.ReadModel(parsed));
            if (console.IsInteractive && !parsed.GetValue(json))
                return await InteractiveChat.RunAsync(console, folder, modelOptions, parsed.GetValue(system), options, cancellationToken).ConfigureAwait(false);

            using var generator = await ModelLoading.LoadAsync(folder, modelOptions, needsTokenizer: true, null, cancellationToken).ConfigureAwait(false);
            using var session = new ChatSession(generator, parsed.GetValue(system));
            return await AnswerLinesAsync(console, session, options, parsed.GetValue(json), cancellationToken).ConfigureAwait(false);
        });
        return command.WithExamples(
            "deepseek chat --temperature 0",
            "deepseek chat --model ./DeepSeek-V2-Lite --system \"Answer briefly.\"",
            "echo \"What is 123 + 456?\" | deepseek chat --temperature 0");
    }

    private static async Task<int> AnswerLinesAsync(ToolConsole console, ChatSession session, TextOptions options, bool json, CancellationToken cancellationToken)
    {
        while (await console.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            if (string.IsNullOrWhiteSpace(line))
                continue;
            await foreach (var update in session.AskAsync(line.Trim(), options, cancellationToken).ConfigureAwait(false))
            {
                if (!json)
                    await console.Out.WriteAsync(PrintableText.Of(update.Text)).ConfigureAwait(false);
                if (update.Completion is { } completion)
                    await console.Out.WriteLineAsync(json ? JsonLines.Completion(completion) : "").ConfigureAwait(false);
            }
        }

        return DeepseekTool.Success;
    }
}
