using Deepseek.Inference.Caching;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Models;

/// <summary>Measures how strongly a text drives the columns of a model's weights, so that a quantizer can spend its error where it matters least.</summary>
/// <remarks>The multi-token-prediction layer is measured too where the model has one: it sees the final state of each token and the token's successor.</remarks>
/// <example>
/// <code>
/// ColumnEnergies energies = await Calibration.RunAsync(model, [ids]);
/// energies.Save("energies.safetensors");
/// </code>
/// </example>
public static class Calibration
{
    // The head is measured at every token: the logits of more would fill the memory.
    private const int MostTokens = 512;

    /// <summary>Runs token sequences through a model and measures every matrix that is multiplied.</summary>
    /// <param name="model">The model; it computes what it always does, and may be used by others meanwhile.</param>
    /// <param name="runs">Token ids; each run passes with a cache of its own, in chunks of <see cref="ModelOptions.ChunkSize"/>, 512 at most.</param>
    /// <param name="progress">Told after every chunk.</param>
    /// <param name="cancellationToken">Ends the calibration between two layers.</param>
    /// <returns>The energies of all runs' tokens, each counted once.</returns>
    /// <exception cref="ArgumentException">There are no runs, a run is empty, or it does not fit the model's positions.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A token is not of the vocabulary.</exception>
    /// <exception cref="Diagnostics.CheckpointFormatException">Activations are not finite: a weight is damaged; the subject is a matrix that they met.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    public static Task<ColumnEnergies> RunAsync(
        LanguageModel model, IReadOnlyList<ReadOnlyMemory<int>> runs, IProgress<CalibrationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(runs);
        RequireRuns(model, runs);
        return Task.Run(() => Run(model, runs, progress, cancellationToken), cancellationToken);
    }

    /// <summary>Reads energies that were kept by <see cref="ColumnEnergies.Save"/>.</summary>
    /// <inheritdoc cref="ColumnEnergies.Load" path="/param|/exception" />
    public static ColumnEnergies Load(string path) => ColumnEnergies.Load(path);

    private static ColumnEnergies Run(
        LanguageModel model, IReadOnlyList<ReadOnlyMemory<int>> runs, IProgress<CalibrationProgress>? progress, CancellationToken cancellationToken)
    {
        var counter = new ColumnEnergiesCounter();
        var observer = new CalibrationObserver(counter, model.Config.LayerCount);
        var predictor = model is DeepseekModel { HasMultiTokenPrediction: true } deepseek ? deepseek : null;
        // No more than pass the model at once: the prediction layer continues the states of a whole chunk.
        var chunkTokens = Math.Min(MostTokens, model.ChunkTokens);
        var (tokens, total) = (0L, runs.Sum(run => (long)run.Length));
        foreach (var run in runs)
        {
            var options = new CacheOptions { MaxLength = run.Length, Precision = CachePrecision.Float32 };
            using var cache = model.CreateCache(options);
            using var predictionCache = predictor?.CreatePredictionCache(options);
            for (var first = 0; first < run.Length; first += chunkTokens)
            {
                var chunk = run.Slice(first, Math.Min(chunkTokens, run.Length - first));
                model.Observe(chunk, cache, LogitRows.All, observer, cancellationToken).Dispose();
                if (predictor is not null)
                    Predict(predictor, run[(first + 1)..], predictionCache!, observer, cancellationToken);
                tokens += chunk.Length;
                progress?.Report(new CalibrationProgress(tokens, total));
            }
        }

        return counter.ToEnergies(model.Location);
    }

    /// <summary>Lets the multi-token-prediction layer continue the latest chunk; the last token of a run has no successor.</summary>
    private static void Predict(DeepseekModel model, ReadOnlyMemory<int> successors, SequenceCache cache, CalibrationObserver observer, CancellationToken cancellationToken)
    {
        var (states, width) = (observer.FinalStates, model.Config.HiddenSize);
        var count = Math.Min(successors.Length, states.Length / width);
        if (count > 0)
            model.ObserveAfterNext(successors[..count], states.AsMemory(0, count * width), cache, observer, cancellationToken).Dispose();
    }

    private static void RequireRuns(LanguageModel model, IReadOnlyList<ReadOnlyMemory<int>> runs)
    {
        if (runs.Count == 0)
            throw new ArgumentException("There are no runs; a calibration needs a text.", nameof(runs));
        for (var i = 0; i < runs.Count; i++)
        {
            var ids = runs[i].Span;
            if (ids.IsEmpty || ids.Length > model.Config.MaxPositions)
                throw new ArgumentException($"Run {i} has {ids.Length} tokens; it must have 1 to {model.Config.MaxPositions}, the positions that the model was made for. Cut the text into shorter runs.", nameof(runs));
            var fault = ids.IndexOfAnyExceptInRange(0, model.Config.VocabularySize - 1);
            if (fault >= 0)
                throw new ArgumentOutOfRangeException(nameof(runs), ids[fault], $"Token {fault} of run {i} is {ids[fault]}; the vocabulary has 0 to {model.Config.VocabularySize - 1}.");
        }
    }
}
