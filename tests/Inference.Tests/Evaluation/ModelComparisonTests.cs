using Deepseek.Inference.Evaluation;
using Deepseek.Inference.Models;
using Deepseek.Inference.Sampling;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Tests.Evaluation;

public sealed class ModelComparisonTests
{
    [Fact]
    public void Between_HandWorkedRows_IsThatOfTheFormula()
    {
        // p = (1/2, 1/2), q = (3/4, 1/4): ½ ln(2/3) + ½ ln 2.
        float[] p = [1f, 1f];
        float[] q = [MathF.Log(3f) - 5f, -5f];

        Assert.Equal(0.5 * Math.Log(2.0 / 3) + (0.5 * Math.Log(2)), Divergence.Between(p, q), 6);
        Assert.Equal(0.0, Divergence.Between(p, p));
    }

    [Fact]
    public void LogSoftmaxAt_LargeLogits_DoesNotOverflow() => Assert.Equal(1001 + Math.Log(1 + Math.Exp(-1)), 1000 - LogProbabilities.LogSoftmaxAt([1000f, 1001f], 0), 9);

    [Fact]
    public async Task Measure_ModelAgainstItself_IsEqual()
    {
        using var model = await LanguageModel.LoadAsync(TestPaths.Nano, cancellationToken: TestContext.Current.CancellationToken);
        var runs = TextRuns.Cut("The quick brown fox jumps over the lazy dog.", DeepseekTokenizer.Load(TestPaths.Nano), length: 8);
        List<int> reported = [];

        var comparison = ModelComparison.Measure(model, model, runs, new Immediate(reported), TestContext.Current.CancellationToken);

        Assert.Equal((0.0, 1.0, 1.0), (comparison.Divergence, comparison.Agreement, comparison.PerplexityRatio));
        Assert.Equal(Perplexity.Measure(model, runs, cancellationToken: TestContext.Current.CancellationToken), comparison.First);
        Assert.Equal([8, 16, 19], reported);
    }

    [Fact]
    public async Task Measure_AnotherModel_DivergesAndOtherVocabularyIsRefused()
    {
        using var one = await Fixture("v3-fp32");
        using var other = await Fixture("v2");
        using var nano = await LanguageModel.LoadAsync(TestPaths.Nano, cancellationToken: TestContext.Current.CancellationToken);
        var runs = new TextRuns([[0, 17, 40, 3], [0, 9]]);

        var comparison = ModelComparison.Measure(one, other, runs, cancellationToken: TestContext.Current.CancellationToken);
        var error = Assert.Throws<ArgumentException>(() => ModelComparison.Measure(one, nano, runs));

        Assert.True(comparison.Divergence > 0.01);
        Assert.Equal(4, comparison.First.Tokens);
        Assert.StartsWith("The vocabularies have 256 and 2048 tokens; models can be compared token by token only where they are the same.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Cut_TextAndLimits_BeginsEveryRun()
    {
        var tokenizer = DeepseekTokenizer.Load(TestPaths.Nano);
        var ids = tokenizer.Encode("The quick brown fox jumps over the lazy dog.");

        var runs = TextRuns.Cut("The quick brown fox jumps over the lazy dog.", tokenizer, length: 4, maxTokens: 6);

        Assert.Equal([[0, .. ids.Take(4)], [0, .. ids.Skip(4).Take(2)]], runs.Runs);
        Assert.Equal(6, runs.ScoredTokens);
        Assert.StartsWith("The text has no tokens; there is nothing to score.", Assert.Throws<ArgumentException>(() => TextRuns.Cut("", tokenizer)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => TextRuns.Cut("a", tokenizer, length: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => TextRuns.Cut("a", tokenizer, maxTokens: 0));
    }

    private static Task<LanguageModel> Fixture(string name) =>
        LanguageModel.LoadAsync(Path.Combine(TestPaths.Fixtures, name), cancellationToken: TestContext.Current.CancellationToken);

    private sealed class Immediate(List<int> reported) : IProgress<int>
    {
        public void Report(int value) => reported.Add(value);
    }
}
