using System.Runtime.InteropServices;
using Deepseek.Inference.Caching;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Models;

namespace Deepseek.Inference.Evaluation;

/// <summary>What a dump holds beside the logits.</summary>
public sealed record LogitsDumpOptions
{
    /// <summary>Adds <c>hidden.0</c> (the embedding) to <c>hidden.L</c> (after the final norm), each [T, D] fp32.</summary>
    public bool Hidden { get; init; }

    /// <summary>Adds <c>experts.l</c> for every mixture layer l: the chosen experts, [T, K] int64, ascending.</summary>
    public bool Experts { get; init; }

    /// <summary>Adds <c>mtp.logits</c> of the multi-token-prediction layer, [T − 1, vocabulary] fp32: row t predicts token t + 2.</summary>
    public bool MultiTokenPrediction { get; init; }

    /// <summary>What a token attends to; null for everything before it.</summary>
    public AttentionWindow? Window { get; init; }
}

/// <summary>Writes what a model computes for a text as a safetensors file, to be compared with other implementations.</summary>
public static class LogitsDump
{
    /// <summary>Runs the tokens through the model and writes <c>logits</c>, [T, vocabulary] fp32, and what the options add.</summary>
    /// <param name="model">The model.</param>
    /// <param name="ids">T tokens; at least one, at least two for <see cref="LogitsDumpOptions.MultiTokenPrediction"/>.</param>
    /// <param name="path">The file to write; it appears complete or not at all, and its bytes depend on the tensors alone.</param>
    /// <param name="options">What else is written; null for the logits alone.</param>
    /// <param name="cancellationToken">Ends the pass; nothing is written then.</param>
    /// <exception cref="ArgumentException">There are too few or too many tokens, or the window is at fault.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A token is not of the vocabulary.</exception>
    /// <exception cref="InvalidOperationException">The multi-token-prediction layer is asked for, and the model has none.</exception>
    public static void Write(
        LanguageModel model, ReadOnlyMemory<int> ids, string path, LogitsDumpOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        options ??= new LogitsDumpOptions();
        var predictor = options.MultiTokenPrediction ? RequirePredictor(model, ids) : null;

        using var cache = model.CreateCache(new CacheOptions { Window = options.Window });
        var trace = options.Hidden || options.Experts || options.MultiTokenPrediction ? new ForwardTrace() : null;
        var tensors = new List<SafetensorsTensor>();
        using (var logits = model.Forward(ids, cache, LogitRows.All, trace, cancellationToken))
            tensors.Add(Floats("logits", logits.CopyToHost<float>(), ids.Length));

        if (options.Hidden)
            tensors.AddRange(trace!.Hidden.Select(hidden => Floats($"hidden.{hidden.Key}", hidden.Value.ToArray(), ids.Length)));
        if (options.Experts)
            tensors.AddRange(trace!.Experts.Select(layer => Integers($"experts.{layer.Key}", layer.Value, ids.Length)));
        if (predictor is not null)
        {
            using var predictionCache = predictor.CreatePredictionCache(new CacheOptions { Window = options.Window });
            var states = trace!.Hidden[model.Config.LayerCount].ToArray().AsMemory(0, (ids.Length - 1) * model.Config.HiddenSize);
            using var predicted = predictor.PredictAfterNext(ids[1..], states, predictionCache, cancellationToken: cancellationToken);
            tensors.Add(Floats("mtp.logits", predicted.CopyToHost<float>(), ids.Length - 1));
        }

        SafetensorsWriter.Write(path, tensors);
    }

    private static DeepseekModel RequirePredictor(LanguageModel model, ReadOnlyMemory<int> ids)
    {
        if (model is not DeepseekModel { HasMultiTokenPrediction: true } predictor)
            throw new InvalidOperationException($"The model in {model.Location} has no multi-token-prediction layer; leave it out, or use a checkpoint that has one.");
        if (ids.Length < 2)
            throw new ArgumentException($"There are {ids.Length} tokens; the multi-token-prediction layer needs at least 2, since it sees each token's successor.", nameof(ids));
        return predictor;
    }

    private static SafetensorsTensor Floats(string name, float[] values, int rows) =>
        new(name, TensorType.F32, [rows, values.Length / rows], stream => Write(stream, values));

    private static SafetensorsTensor Integers(string name, List<int> values, int rows)
    {
        var wide = values.Select(value => (long)value).ToArray();
        return new(name, TensorType.I64, [rows, wide.Length / rows], stream => Write(stream, wide));
    }

    /// <summary>In pieces: a span of bytes ends at 2 GB, which the logits of a long text exceed.</summary>
    private static void Write<T>(Stream stream, T[] values)
        where T : unmanaged
    {
        const int piece = 1 << 20;
        for (var first = 0; first < values.Length; first += piece)
            stream.Write(MemoryMarshal.AsBytes(values.AsSpan(first, Math.Min(piece, values.Length - first))));
    }
}
