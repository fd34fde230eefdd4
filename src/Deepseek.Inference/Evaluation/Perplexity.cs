using Deepseek.Inference.Caching;
using Deepseek.Inference.Models;
using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Evaluation;

/// <summary>How well a model foresees a text.</summary>
/// <param name="Value">exp of the mean negative log-probability of the scored tokens: as if the model chose among so many equally likely ones.</param>
/// <param name="Tokens">Scored tokens.</param>
public sealed record Perplexity(double Value, int Tokens)
{
    /// <summary>Scores a text.</summary>
    /// <param name="model">The model.</param>
    /// <param name="text">The text in runs; each passes the model with a cache of its own.</param>
    /// <param name="progress">Told the number of scored tokens after every run.</param>
    /// <param name="cancellationToken">Ends the scoring between two layers.</param>
    /// <exception cref="ArgumentException">A run does not fit the model's context.</exception>
    public static Perplexity Measure(LanguageModel model, TextRuns text, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(text);
        var (sum, tokens) = (0.0, 0);
        foreach (var run in text.Runs)
        {
            var logits = Logits(model, run, null, cancellationToken);
            var width = logits.Length / (run.Length - 1);
            for (var t = 1; t < run.Length; t++)
                sum -= LogProbabilities.LogSoftmaxAt(logits.AsSpan((t - 1) * width, width), run[t]);

            tokens += run.Length - 1;
            progress?.Report(tokens);
        }

        return new Perplexity(Math.Exp(sum / text.ScoredTokens), text.ScoredTokens);
    }

    /// <summary>The logits before every scored token of a run, [T − 1, V] row by row.</summary>
    internal static float[] Logits(LanguageModel model, int[] run, CacheOptions? options, CancellationToken cancellationToken)
    {
        using var cache = model.CreateCache(options);
        if (model.Options.Paging.CachePreference > 0)
            return Decoded(model, run, cache, cancellationToken);
        using var logits = model.Forward(run.AsMemory(0, run.Length - 1), cache, LogitRows.All, cancellationToken: cancellationToken);
        return logits.CopyToHost<float>();
    }

    /// <summary>Token by token: what leans towards experts in memory leans so where tokens are decoded alone.</summary>
    private static float[] Decoded(LanguageModel model, int[] run, SequenceCache cache, CancellationToken cancellationToken)
    {
        var logits = new List<float>((run.Length - 1) * model.Config.VocabularySize);
        for (var t = 0; t < run.Length - 1; t++)
        {
            using var row = model.Forward(run.AsMemory(t, 1), cache, LogitRows.All, cancellationToken: cancellationToken);
            logits.AddRange(row.CopyToHost<float>());
        }

        return [.. logits];
    }
}
