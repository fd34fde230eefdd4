using System.Text.Json;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Evaluation;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Models;
using Deepseek.Inference.Sampling;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Golden.Tests;

/// <summary>What quantizing the embedded model costs.</summary>
public sealed class StoreQualityTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("deepseek-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task DefaultStore_EvaluationSet_IsWithinTwoPointsOfTheOriginal()
    {
        var store = await ConvertAsync("default", new StoreOptions());
        using var generator = await TextGenerator.LoadAsync(store, cancellationToken: TestContext.Current.CancellationToken);
        var (right, original, questions) = (0, 0, 0);

        foreach (var line in File.ReadLines(Path.Combine(TestPaths.Nano, "eval.jsonl")))
        {
            using var document = JsonDocument.Parse(line);
            var prompt = new TextPrompt([.. document.RootElement.GetProperty("prompt_ids").EnumerateArray().Select(id => id.GetInt32())], SplitReasoning: true, StartsInReasoning: true);
            var options = new TextOptions { Generation = new GenerationOptions { Sampling = new SamplingOptions { Temperature = 0 }, MaxNewTokens = 400 } };
            var reply = await generator.CompleteAsync(prompt, options, cancellationToken: TestContext.Current.CancellationToken);
            right += reply.Text!.Trim() == document.RootElement.GetProperty("expected").GetString() ? 1 : 0;
            original += document.RootElement.GetProperty("correct").GetBoolean() ? 1 : 0;
            questions++;
        }

        Assert.Equal(120, questions);
        Assert.True(100.0 * (original - right) / questions <= 2, $"The store answers {right} of {questions} questions, the original {original}.");
    }

    [Fact]
    public async Task Precisions_Prose_DivergeInTheirOrder()
    {
        using var original = await LanguageModel.LoadAsync(TestPaths.Nano, cancellationToken: TestContext.Current.CancellationToken);
        var text = TextRuns.Cut(await File.ReadAllTextAsync(Path.Combine(TestPaths.Nano, "held-out-prose.txt"), TestContext.Current.CancellationToken), DeepseekTokenizer.Load(TestPaths.Nano), maxTokens: 4096);
        List<(StorePrecision Precision, double Divergence)> divergences = [];

        foreach (var precision in new[] { StorePrecision.Keep, StorePrecision.Int8Block, StorePrecision.Nf4, StorePrecision.Nf4Searched, StorePrecision.Nf4Reference })
        {
            var store = await ConvertAsync(precision.ToString(), All(precision));
            using var quantized = await LanguageModel.LoadAsync(store, cancellationToken: TestContext.Current.CancellationToken);
            divergences.Add((precision, ModelComparison.Measure(original, quantized, text, cancellationToken: TestContext.Current.CancellationToken).Divergence));
        }

        Assert.Equal(0, divergences[0].Divergence);
        Assert.Equal(divergences.OrderBy(pair => pair.Divergence), divergences);
        Assert.True(divergences[3].Divergence < 0.95 * divergences[4].Divergence, "The search gains less than 5 % of the divergence.");
    }

    private async Task<string> ConvertAsync(string name, StoreOptions options)
    {
        var store = Path.Combine(_folder, name);
        await StoreConverter.ConvertAsync(TestPaths.Nano, store, options with { Prediction = null }, cancellationToken: TestContext.Current.CancellationToken);
        return store;
    }

    private static StoreOptions All(StorePrecision precision) => new()
    {
        Experts = precision,
        Dense = precision,
        Attention = precision,
        LatentUp = precision,
        Embedding = precision,
        Head = precision,
    };
}
