using System.CommandLine;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Cli.Commands;

/// <summary><c>deepseek run</c>: one prompt, or a file of them.</summary>
internal static class RunCommand
{
    private const int BatchSize = 8;

    public static Command Create(ToolConsole console)
    {
        var prompt = new Option<string?>("--prompt", "-p") { Description = "The prompt.", HelpName = "TEXT" };
        var batch = new Option<FileInfo?>("--batch") { Description = "A file with {\"prompt\": …} or {\"ids\": […]} a line.", HelpName = "FILE.jsonl" };
        var raw = new Option<bool>("--raw") { Description = "Continue the prompt as it stands, without the chat template; print all that is generated." };
        var (model, json) = (CommonOptions.Model(), CommonOptions.Json());
        var command = new Command("run", "Answers one prompt, or a file of prompts.") { prompt, batch, model, raw, json };
        var generation = new GenerationOptionSet(command);

        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (text, file) = (parsed.GetValue(prompt), parsed.GetValue(batch));
            if (text is null == file is null)
                throw new UsageException("Give either --prompt TEXT or --batch FILE.jsonl.");

            var requests = file is null ? [new BatchLine(text, null)] : BatchLine.ReadAll(file);
            using var generator = await TextGenerator.LoadAsync(CommonOptions.Folder(parsed, model), generation.ReadModel(parsed), cancellationToken: cancellationToken).ConfigureAwait(false);
            var prompts = requests.Select(request => Prompt(generator, request, parsed.GetValue(raw))).ToList();
            await foreach (var completion in generator.CompleteBatchAsync(prompts, generation.Read(parsed), BatchSize, cancellationToken).ConfigureAwait(false))
                await console.Out.WriteLineAsync(parsed.GetValue(json) ? JsonLines.Completion(completion) : completion.Text ?? string.Join(' ', completion.Ids)).ConfigureAwait(false);
            return DeepseekTool.Success;
        });
        return command.WithExamples(
            "deepseek run --prompt \"What is 123 + 456?\" --temperature 0",
            "deepseek run --batch questions.jsonl --json --max-new 200 > answers.jsonl",
            "deepseek run --raw --prompt \"It was the best of times\" --seed 7");
    }

    private static TextPrompt Prompt(TextGenerator generator, BatchLine request, bool raw)
    {
        if (request.Ids is { } ids)
        {
            // The ids of a conversation end within the reasoning; their text tells.
            var split = !raw && generator.Tokenizer is not null;
            return new TextPrompt(ids, split, split && ReasoningParser.EndsInReasoning(generator.Tokenizer!.Decode(ids)));
        }

        return raw ? generator.Raw(request.Prompt!) : generator.Chat([ChatMessage.User(request.Prompt!)]);
    }
}
