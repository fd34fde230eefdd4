using Deepseek.Inference.Chat;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Models;

namespace Deepseek.Cli;

/// <summary>Loads a model with its tokenizer.</summary>
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
}
