using Deepseek.Inference.Caching;
using Deepseek.Inference.Models;
using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Evaluation;

/// <summary>How far a model is from another over a text: what quantization, or a setting, costs.</summary>
/// <param name="Divergence">Mean Kullback-Leibler divergence of the second model's next-token distribution from the first's, in nats.</param>
/// <param name="Agreement">Share of the tokens before which both hold the same token for the best, 0 to 1.</param>
/// <param name="First">Perplexity of the first model, the reference.</param>
/// <param name="Second">Perplexity of the second model.</param>
public sealed record ModelComparison(double Divergence, double Agreement, Perplexity First, Perplexity Second)
{
    /// <summary>The second perplexity divided by the first.</summary>
    public double PerplexityRatio => Second.Value / First.Value;

    /// <summary>Runs both models over a text.</summary>
    /// <param name="first">The reference.</param>
    /// <param name="second">What is held against it; of the same vocabulary.</param>
    /// <param name="text">The text in runs.</param>
    /// <param name="progress">Told the number of scored tokens after every run.</param>
    /// <param name="cancellationToken">Ends the comparison between two layers.</param>
    /// <exception cref="ArgumentException">The vocabularies differ in size, or a run does not fit a model's context.</exception>
    public static ModelComparison Measure(LanguageModel first, LanguageModel second, TextRuns text, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        ArgumentNullException.ThrowIfNull(text);
        return Measure(first, null, second, null, text, progress, cancellationToken);
    }

    /// <summary>The same over caches of the caller's choice, null for the model's own: tells what a cache costs from what weights and activations do.</summary>
    internal static ModelComparison Measure(
        LanguageModel first, CacheOptions? firstCache, LanguageModel second, CacheOptions? secondCache, TextRuns text, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        if (first.Config.VocabularySize != second.Config.VocabularySize)
            throw new ArgumentException($"The vocabularies have {first.Config.VocabularySize} and {second.Config.VocabularySize} tokens; models can be compared token by token only where they are the same.", nameof(second));

        var (divergence, agreement, lossFirst, lossSecond, tokens) = (0.0, 0, 0.0, 0.0, 0);
        foreach (var run in text.Runs)
        {
            var a = Perplexity.Logits(first, run, firstCache, cancellationToken);
            var b = Perplexity.Logits(second, run, secondCache, cancellationToken);
            var width = first.Config.VocabularySize;
            for (var t = 1; t < run.Length; t++)
            {
                var rowA = a.AsSpan((t - 1) * width, width);
                var rowB = b.AsSpan((t - 1) * width, width);
                divergence += Evaluation.Divergence.Between(rowA, rowB);
                agreement += Best(rowA) == Best(rowB) ? 1 : 0;
                lossFirst -= LogProbabilities.LogSoftmaxAt(rowA, run[t]);
                lossSecond -= LogProbabilities.LogSoftmaxAt(rowB, run[t]);
            }

            tokens += run.Length - 1;
            progress?.Report(tokens);
        }

        return new ModelComparison(
            divergence / tokens, (double)agreement / tokens, new Perplexity(Math.Exp(lossFirst / tokens), tokens), new Perplexity(Math.Exp(lossSecond / tokens), tokens));
    }

    /// <summary>The place of the greatest logit; of equal ones the first.</summary>
    private static int Best(ReadOnlySpan<float> logits) => logits.IndexOf(LogitRow.Maximum(logits));
}
