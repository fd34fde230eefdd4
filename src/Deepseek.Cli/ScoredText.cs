using System.CommandLine;
using Deepseek.Inference.Evaluation;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Cli;

/// <summary>The text that verbs score: its options, its reading, and the progress over it.</summary>
internal static class ScoredText
{
    public static Option<string?> Option()
    {
        var option = CommonOptions.Path("--text", "FILE", "The text to score, in UTF-8.");
        option.Required = true;
        return option;
    }

    public static Option<int?> MaxTokens() => NumberOption.Whole("--max-tokens", "N", "Score the first N tokens alone. Default: all.", 1);

    /// <summary>Reads the text and cuts it by the tokenizer of a model's folder, before any weight is read.</summary>
    public static TextRuns Read(string file, string folder, int? maxTokens) =>
        TextRuns.Cut(JsonInput.Text(file), DeepseekTokenizer.Load(folder), maxTokens: maxTokens);

    /// <summary>Where somebody watches: the scored tokens on one line of standard error.</summary>
    public static IProgress<int>? Progress(ToolConsole console, TextRuns runs) =>
        console.HasColour ? new Line(tokens => console.Error.Write($"\r{tokens} of {runs.ScoredTokens} tokens{(tokens == runs.ScoredTokens ? "\n" : "")}")) : null;

    private sealed class Line(Action<int> show) : IProgress<int>
    {
        public void Report(int value) => show(value);
    }
}
