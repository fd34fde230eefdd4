using System.CommandLine;
using Deepseek.Inference.Evaluation;
using Deepseek.Inference.Models;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Cli;

/// <summary>What <c>--calibrate</c> names: column energies from an earlier run, or a text over which the checkpoint is run to measure them.</summary>
internal static class CalibrationInput
{
    private const string EnergiesEnding = ".safetensors";

    public static Option<string?> Option() => CommonOptions.Path(
        "--calibrate", "FILE", "Weigh errors by how strongly a text drives each column: a UTF-8 text that the checkpoint is run over first, or energies kept from such a run (*.safetensors).");

    /// <summary>Adds energies to options: read, or measured; none where the option was not given.</summary>
    /// <param name="options">The options.</param>
    /// <param name="file">What was given.</param>
    /// <param name="checkpoint">The checkpoint that is run.</param>
    /// <param name="kept">Where measured energies are kept for a resumed conversion, and looked for; null to measure them in any case.</param>
    /// <param name="console">Where progress is shown.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    public static async Task<StoreOptions> AddAsync(StoreOptions options, string? file, string checkpoint, string? kept, ToolConsole console, CancellationToken cancellationToken)
    {
        if (file is null)
            return options;
        if (file.EndsWith(EnergiesEnding, StringComparison.Ordinal))
            return options with { Energies = Calibration.Load(file) };
        if (kept is not null && File.Exists(kept))
            return options with { Energies = Calibration.Load(kept) };

        var runs = TextRuns.Cut(JsonInput.Text(file), DeepseekTokenizer.Load(checkpoint));
        using var model = await LanguageModel.LoadAsync(checkpoint, cancellationToken: cancellationToken).ConfigureAwait(false);
        var energies = await Calibration.RunAsync(
            model, [.. runs.Runs.Select(run => (ReadOnlyMemory<int>)run)], Progress(console), cancellationToken).ConfigureAwait(false);
        if (kept is not null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(kept))!);
            energies.Save(kept);
        }

        return options with { Energies = energies };
    }

    private static Line? Progress(ToolConsole console) => console.HasColour
        ? new Line(progress => console.Error.Write($"\rcalibrating: {progress.Tokens} of {progress.TotalTokens} tokens{(progress.Tokens == progress.TotalTokens ? "\n" : "")}"))
        : null;

    private sealed class Line(Action<CalibrationProgress> show) : IProgress<CalibrationProgress>
    {
        public void Report(CalibrationProgress value) => show(value);
    }
}
