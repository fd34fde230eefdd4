using Deepseek.Inference.Configuration;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Checkpoints;

/// <summary>Looks at what a folder holds and says what it lacks.</summary>
internal static class CheckpointContents
{
    internal const string SingleFile = "model.safetensors";

    private const int ShownNames = 5;

    // What people have instead, and what helps.
    private static readonly (string Pattern, string Remedy)[] OtherFormats =
    [
        ("model-*.safetensors", $"They need {CheckpointIndex.FileName}, which is published with them."),
        ("*.safetensors", $"They are not named as a checkpoint's: {SingleFile}, or shards with {CheckpointIndex.FileName}."),
        ("*.gguf", "GGUF is not read; fetch the original safetensors checkpoint."),
        ("*.bin", "PyTorch's pickled weights are not read, since they can run code; fetch or save them as safetensors."),
        ("*.pt", "PyTorch's pickled weights are not read, since they can run code; fetch or save them as safetensors."),
        ("*.pth", "PyTorch's pickled weights are not read, since they can run code; fetch or save them as safetensors."),
    ];

    /// <summary>The error of a folder that holds neither an index nor a single file.</summary>
    internal static CheckpointFormatException NothingToOpen(string folder)
    {
        if (!Directory.Exists(folder))
            return new CheckpointFormatException(folder, null, "The folder does not exist; it must hold a checkpoint.");

        var needed = $"The folder holds neither {CheckpointIndex.FileName} nor {SingleFile}";
        foreach (var (pattern, remedy) in OtherFormats)
        {
            var found = Directory.EnumerateFiles(folder, pattern).Select(Path.GetFileName).Take(ShownNames).Order(StringComparer.Ordinal).ToArray();
            if (found.Length > 0)
                return new CheckpointFormatException(folder, null, $"{needed}, but {string.Join(", ", found.Select(n => UntrustedText.Show(n)))}. {remedy}");
        }

        return new CheckpointFormatException(folder, null, $"{needed}; fetch the model's safetensors files into it.");
    }

    /// <summary>Reports all shards that the index names and the folder lacks.</summary>
    internal static void RequireShards(string folder, CheckpointIndex index)
    {
        var missing = index.Shards.Where(shard => !File.Exists(Path.Combine(folder, shard))).ToArray();
        if (missing.Length == 0)
            return;

        var shown = string.Join(", ", missing.Take(ShownNames).Select(n => UntrustedText.Show(n))) + (missing.Length > ShownNames ? ", …" : "");
        throw new CheckpointFormatException(index.File, "weight_map", FormattableString.Invariant(
            $"{missing.Length} of {index.Shards.Count} shards are missing: {shown}; fetch them again."));
    }
}
