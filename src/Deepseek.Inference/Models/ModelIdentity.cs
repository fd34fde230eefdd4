using System.IO.Hashing;
using Deepseek.Inference.Caching;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Store;

namespace Deepseek.Inference.Models;

/// <summary>What the values that a model computes depend on, so that a saved cache is not continued by another.</summary>
/// <remarks>Threads, chunks, memory and paging change no bit of them, and are left out; a leaning towards present experts does, and is not.</remarks>
internal static class ModelIdentity
{
    /// <summary>The identity of a loaded model, whose files it reads in part.</summary>
    /// <param name="model">The model.</param>
    /// <param name="source">What its weights came from.</param>
    public static CacheOrigin Of(LanguageModel model, IDisposable source) => new(
        source is CheckpointFolder checkpoint
            ? CheckpointFingerprint.Of(checkpoint)
            : XxHash128.HashToUInt128(File.ReadAllBytes(Path.Combine(model.Location, StoreFile.Manifest))), // it holds the checksum of every page
        Computing(model.Options, isStore: source is not CheckpointFolder));

    /// <summary>How values are computed, as a message says it.</summary>
    internal static string Computing(ModelOptions options, bool isStore)
    {
        // Only a store's weights meet rounded activations, and on the CPU operations alone.
        var activations = options.OnCpu && isStore ? options.Activations : ActivationPrecision.Fp32;
        var operations = options.OnCpu ? "the CPU operations" : $"the Torch operations on {options.Device.Split(':')[0]}";
        var preference = options.Paging.CachePreference == 0 ? "" : FormattableString.Invariant($", cache preference {options.Paging.CachePreference}");
        return $"{operations} with {activations.Name()} activations and {(options.AttentionForm == Compute.AttentionForm.Naive ? "naive" : "absorbed")} attention{preference}";
    }
}
