using Deepseek.Cli.Terminal;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Models;

namespace Deepseek.Cli;

/// <summary>Loads a model, and its tokenizer where text is needed.</summary>
internal static class ModelLoading
{
    /// <summary>Loads what generates text.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="options">How it is loaded.</param>
    /// <param name="needsTokenizer">A folder without a tokenizer is refused, before its weights are read.</param>
    /// <param name="progress">Told after every tensor; null where nobody looks.</param>
    /// <param name="cancellationToken">Ends loading between two tensors.</param>
    public static Task<TextGenerator> LoadAsync(
        string folder, ModelOptions options, bool needsTokenizer, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        var tokenizer = Path.Combine(folder, "tokenizer.json");
        if (needsTokenizer && (File.Exists(Path.Combine(folder, "config.json")) || File.Exists(Path.Combine(folder, "store.json"))) && !File.Exists(tokenizer))
            throw new CheckpointFormatException(tokenizer, null, "the file is missing; text needs it. Copy it from where the model was published, or give token ids (run --batch).");
        return TextGenerator.LoadAsync(folder, options, progress, cancellationToken);
    }

    /// <summary>The same; whoever watches sees how far it has come.</summary>
    public static async Task<TextGenerator> LoadAsync(ToolConsole console, string folder, ModelOptions options, bool needsTokenizer, CancellationToken cancellationToken)
    {
        using var progress = LoadingProgress.For(console);
        return await LoadAsync(folder, options, needsTokenizer, progress, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Loads what computes tokens alone; whoever watches sees how far it has come.</summary>
    public static async Task<LanguageModel> LoadModelAsync(ToolConsole console, string folder, ModelOptions options, CancellationToken cancellationToken)
    {
        using var progress = LoadingProgress.For(console);
        return await LanguageModel.LoadAsync(folder, options, progress, cancellationToken).ConfigureAwait(false);
    }
}
