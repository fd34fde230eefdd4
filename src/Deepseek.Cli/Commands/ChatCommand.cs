using System.CommandLine;
using Deepseek.Cli.Terminal;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Models;

namespace Deepseek.Cli.Commands;

/// <summary><c>deepseek chat</c>: a conversation in the terminal, or one question a line from a pipe.</summary>
internal static class ChatCommand
{
    public static Command Create(ToolConsole console)
    {
        var system = new Option<string?>("--system") { Description = "Instructions for the whole conversation.", HelpName = "TEXT" };
        var (model, json) = (CommonOptions.Model(), CommonOptions.Json());
        var command = new Command("chat", "Talks with a model. Where input is not a terminal, every line is a question.") { model, system, json };
        var generation = new GenerationOptionSet(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = generation.Read(parsed);
            options.Generation.Sampling.Validate();
            using var generator = await LoadAsync(console, CommonOptions.Folder(parsed, model), generation.ReadModel(parsed), cancellationToken).ConfigureAwait(false);
            using var session = new ChatSession(generator, parsed.GetValue(system));
            return console.IsInteractive && !parsed.GetValue(json)
                ? await new InteractiveChat(console, session, options).RunAsync(cancellationToken).ConfigureAwait(false)
                : await AnswerLinesAsync(console, session, options, parsed.GetValue(json), cancellationToken).ConfigureAwait(false);
        });
        return command.WithExamples(
            "deepseek chat --temperature 0",
            "deepseek chat --model ./DeepSeek-V2-Lite --system \"Answer briefly.\"",
            "echo \"What is 123 + 456?\" | deepseek chat --temperature 0");
    }

    private static async Task<int> AnswerLinesAsync(ToolConsole console, ChatSession session, TextOptions options, bool json, CancellationToken cancellationToken)
    {
        while (await console.In.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            if (string.IsNullOrWhiteSpace(line))
                continue;
            await foreach (var update in session.AskAsync(line.Trim(), options, cancellationToken).ConfigureAwait(false))
            {
                if (!json)
                    await console.Out.WriteAsync(update.Text).ConfigureAwait(false);
                if (update.Completion is { } completion)
                    await console.Out.WriteLineAsync(json ? JsonLines.Completion(completion) : "").ConfigureAwait(false);
            }
        }

        return DeepseekTool.Success;
    }

    private static async Task<TextGenerator> LoadAsync(ToolConsole console, string folder, ModelOptions options, CancellationToken cancellationToken)
    {
        if (console.IsInteractive)
            await console.Error.WriteLineAsync($"Loading {folder} …").ConfigureAwait(false);
        return await TextGenerator.LoadAsync(folder, options, cancellationToken: cancellationToken).ConfigureAwait(false);
    }
}
