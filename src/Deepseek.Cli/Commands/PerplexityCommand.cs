using System.CommandLine;
using System.Globalization;
using Deepseek.Inference.Evaluation;

namespace Deepseek.Cli.Commands;

/// <summary><c>deepseek perplexity</c>: how well a model foresees a text.</summary>
internal static class PerplexityCommand
{
    public static Command Create(ToolConsole console)
    {
        var (model, text, json) = (CommonOptions.Model(), ScoredText.Option(), CommonOptions.Json());
        var maxTokens = ScoredText.MaxTokens();
        var command = new Command("perplexity", $"Scores a text, in runs of {TextRuns.DefaultLength} tokens that each begin with the begin token.") { model, text, maxTokens, json };
        var modelOptions = new ModelOptionSet(command, console);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var folder = CommonOptions.Folder(parsed, model);
            var runs = ScoredText.Read(parsed.GetRequiredValue(text)!, folder, parsed.GetValue(maxTokens));
            using var loaded = await ModelLoading.LoadModelAsync(console, folder, modelOptions.Read(parsed), cancellationToken).ConfigureAwait(false);
            var perplexity = await Task.Run(() => Perplexity.Measure(loaded, runs, ScoredText.Progress(console, runs), cancellationToken), cancellationToken).ConfigureAwait(false);

            await console.Out.WriteLineAsync(parsed.GetValue(json)
                ? JsonLines.Line(writer =>
                {
                    writer.WriteNumber("perplexity", perplexity.Value);
                    writer.WriteNumber("tokens", perplexity.Tokens);
                })
                : string.Create(CultureInfo.InvariantCulture, $"perplexity {perplexity.Value:0.####} over {perplexity.Tokens} tokens")).ConfigureAwait(false);
            return DeepseekTool.Success;
        });
        return command.WithExamples(
            "deepseek perplexity --text book.txt",
            "deepseek perplexity --model ./DeepSeek-V2-Lite --text book.txt --max-tokens 10000 --json");
    }
}
