using System.CommandLine;
using Deepseek.Cli.Terminal;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Cli.Commands;

/// <summary><c>deepseek run</c>: one prompt, or a file of them.</summary>
internal static class RunCommand
{
    private const int BatchSize = 8;

    public static Command Create(ToolConsole console)
    {
        var prompt = new Option<string?>("--prompt", "-p") { Description = "The prompt.", HelpName = "TEXT", Arity = ArgumentArity.ExactlyOne };
        var batch = CommonOptions.Path("--batch", "FILE.jsonl", "A file with {\"prompt\": …} or {\"ids\": […]} a line.");
        var raw = new Option<bool>("--raw") { Description = "Continue the prompt as it stands, without the chat template; print all that is generated." };
        var (model, json) = (CommonOptions.Model(), CommonOptions.Json());
        var command = new Command("run", "Answers one prompt, or a file of prompts.") { prompt, batch, model, raw, json };
        var generation = new GenerationOptionSet(command, console);

        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (text, file) = (parsed.GetValue(prompt), parsed.GetValue(batch));
            if (text is null == file is null)
                throw new UsageException("Give either --prompt TEXT or --batch FILE.jsonl.");
            var options = generation.Read(parsed);
            var requests = file is null ? [new BatchLine("--prompt", text, null)] : BatchLine.ReadAll(file);

            var needsTokenizer = options.StopStrings.Count > 0 || requests.Any(request => request.Prompt is not null);
            using var generator = await ModelLoading.LoadAsync(console, CommonOptions.Folder(parsed, model), generation.ReadModel(parsed), needsTokenizer, cancellationToken).ConfigureAwait(false);
            var prompts = requests.Select(request => Prompt(generator, request, parsed.GetValue(raw))).ToList();
            if (file is null && !parsed.GetValue(json))
                await StreamAsync(console, generator, prompts[0], options, cancellationToken).ConfigureAwait(false);
            else
                await CompleteAsync(console, generator, prompts, options, parsed.GetValue(json), cancellationToken).ConfigureAwait(false);
            return DeepseekTool.Success;
        });
        return command.WithExamples(
            "deepseek run --prompt \"What is 123 + 456?\" --temperature 0",
            "deepseek run --batch questions.jsonl --json --max-new 200 > answers.jsonl",
            "deepseek run --raw --prompt \"It was the best of times\" --seed 7");
    }

    private static async Task StreamAsync(ToolConsole console, TextGenerator generator, TextPrompt prompt, TextOptions options, CancellationToken cancellationToken)
    {
        await foreach (var update in generator.StreamAsync(prompt, options, cancellationToken: cancellationToken).ConfigureAwait(false))
            await console.Out.WriteAsync(PrintableText.Of(update.Text)).ConfigureAwait(false);
        await console.Out.WriteLineAsync().ConfigureAwait(false);
    }

    private static async Task CompleteAsync(
        ToolConsole console, TextGenerator generator, List<TextPrompt> prompts, TextOptions options, bool json, CancellationToken cancellationToken)
    {
        await foreach (var completion in generator.CompleteBatchAsync(prompts, options, BatchSize, cancellationToken).ConfigureAwait(false))
        {
            var line = json ? JsonLines.Completion(completion)
                : completion.Text is { } text ? PrintableText.Of(text)
                : string.Join(' ', completion.Ids);
            await console.Out.WriteLineAsync(line).ConfigureAwait(false);
        }
    }

    private static TextPrompt Prompt(TextGenerator generator, BatchLine request, bool raw)
    {
        if (request.Ids is not { } ids)
            return raw ? generator.Raw(request.Prompt!) : generator.Chat([ChatMessage.User(request.Prompt!)]);

        var size = generator.Model.Config.VocabularySize;
        if (Array.FindIndex(ids, id => id >= size) is var strange and >= 0)
            throw new InvalidDataException(FormattableString.Invariant($"{request.Where}: \"ids\": element {strange} is {ids[strange]}; the model's vocabulary has 0 to {size - 1}."));

        // The ids of a conversation may end within the reasoning; their text tells. A head's last rows may belong to no token.
        var tokenizer = raw ? null : generator.Tokenizer;
        return tokenizer is null
            ? new TextPrompt(ids)
            : new TextPrompt(ids, SplitReasoning: true, ReasoningParser.EndsInReasoning(tokenizer.Decode(ids.Where(id => tokenizer.TokenText(id) is not null))));
    }
}
