using System.CommandLine;
using System.Globalization;
using Deepseek.Inference.Evaluation;

namespace Deepseek.Cli.Commands;

/// <summary><c>deepseek compare</c>: how far one model's predictions are from another's.</summary>
internal static class CompareCommand
{
    public static Command Create(ToolConsole console)
    {
        var first = new Argument<string>("A") { Description = "The folder of the reference, whose tokenizer is used." };
        var second = new Argument<string>("B") { Description = "The folder of the model that is held against it." };
        var (text, json) = (ScoredText.Option(), CommonOptions.Json());
        var maxTokens = ScoredText.MaxTokens();
        var command = new Command("compare", "Holds a model against another over a text: what quantization costs.") { first, second, text, maxTokens, json };
        var modelOptions = new ModelOptionSet(command, console);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = modelOptions.Read(parsed);
            var runs = ScoredText.Read(parsed.GetRequiredValue(text)!, parsed.GetRequiredValue(first), parsed.GetValue(maxTokens));
            using var a = await ModelLoading.LoadModelAsync(console, parsed.GetRequiredValue(first), options with { Paging = options.Paging with { CachePreference = 0 } }, // the reference is exact
                cancellationToken).ConfigureAwait(false);
            using var b = await ModelLoading.LoadModelAsync(console, parsed.GetRequiredValue(second), options, cancellationToken).ConfigureAwait(false);
            var comparison = await Task.Run(() => ModelComparison.Measure(a, b, runs, ScoredText.Progress(console, runs), cancellationToken), cancellationToken).ConfigureAwait(false);

            await console.Out.WriteLineAsync(parsed.GetValue(json)
                ? JsonLines.Line(writer =>
                {
                    writer.WriteNumber("kl_divergence", comparison.Divergence);
                    writer.WriteNumber("top1_agreement", comparison.Agreement);
                    writer.WriteNumber("perplexity_ratio", comparison.PerplexityRatio);
                    writer.WriteNumber("perplexity_a", comparison.First.Value);
                    writer.WriteNumber("perplexity_b", comparison.Second.Value);
                    writer.WriteNumber("tokens", comparison.First.Tokens);
                })
                : string.Create(CultureInfo.InvariantCulture,
                    $"KL divergence {comparison.Divergence:g4} nats, same best token {comparison.Agreement:p2}, perplexity {comparison.First.Value:0.####} to {comparison.Second.Value:0.####} (ratio {comparison.PerplexityRatio:0.####}) over {comparison.First.Tokens} tokens")).ConfigureAwait(false);
            return DeepseekTool.Success;
        });
        return command.WithExamples("deepseek compare ./DeepSeek-V2-Lite ./DeepSeek-V2-Lite-bnb-4bit --text book.txt --max-tokens 10000");
    }
}
