using System.Text.Json;
using Deepseek.Inference.Caching;
using Deepseek.Inference.Chat;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Evaluation;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Kernels;
using Deepseek.Inference.Models;
using Deepseek.Inference.Sampling;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests;
using Deepseek.Inference.Tokenization;

namespace Deepseek.Inference.Golden.Tests;

/// <summary>What quantizing the embedded model costs.</summary>
public sealed class StoreQualityTests : IDisposable
{
    /// <summary>What is published of the defaults: a hundredth of what the weights' four bits cost, and far below what a text could show.</summary>
    private const double DefaultBudget = 1e-5;

    /// <summary>Activations in int8 are offered for speed: they may cost a tenth of what the weights cost already.</summary>
    private const double Int8Share = 0.1;

    // What the weights alone cost shows in fp32 on both sides.
    private static readonly CacheOptions Unrounded = new() { Precision = CachePrecision.Float32 };

    private static readonly ModelOptions UnroundedActivations = new() { Activations = ActivationPrecision.Fp32 };

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
        using var original = await GoldenModel.LoadFromAsync(TestPaths.Nano, ComputeOperations.Cpu);
        var text = await ProseAsync();
        List<(StorePrecision Precision, double Divergence)> divergences = [];

        foreach (var precision in new[] { StorePrecision.Keep, StorePrecision.Int8Block, StorePrecision.Nf4, StorePrecision.Nf4Searched, StorePrecision.Nf4Reference })
        {
            var store = await ConvertAsync(precision.ToString(), All(precision));
            using var quantized = await GoldenModel.LoadFromAsync(store, ComputeOperations.Cpu, UnroundedActivations);
            divergences.Add((precision, Divergence(original, quantized, Unrounded, text)));
        }

        Assert.Equal(0, divergences[0].Divergence);
        Assert.Equal(divergences.OrderBy(pair => pair.Divergence), divergences);
        Assert.True(divergences[3].Divergence < 0.95 * divergences[4].Divergence, "The search gains less than 5 % of the divergence.");
    }

    [Fact]
    public async Task DefaultActivationsAndCache_Prose_CostLittleBesideTheWeights()
    {
        using var original = await GoldenModel.LoadFromAsync(TestPaths.Nano, ComputeOperations.Cpu);
        var store = await ConvertAsync("store", new StoreOptions());
        using var exact = await GoldenModel.LoadFromAsync(store, ComputeOperations.Cpu, UnroundedActivations);
        using var usual = await GoldenModel.LoadFromAsync(store, ComputeOperations.Cpu);
        using var coarse = await GoldenModel.LoadFromAsync(store, ComputeOperations.Cpu, new ModelOptions { Activations = ActivationPrecision.Int8 });
        var text = await ProseAsync();

        var weights = Divergence(original, exact, Unrounded, text);
        var defaults = Divergence(exact, usual, null, text);
        var int8 = Divergence(exact, coarse, null, text);

        TestContext.Current.TestOutputHelper?.WriteLine(FormattableString.Invariant($"Divergence in nats: weights {weights:e2}, int16 activations and cache {defaults:e2}, int8 activations {int8:e2}."));
        Assert.True(defaults <= DefaultBudget, $"The defaults diverge by {defaults:e2} nats; {DefaultBudget:e0} is allowed.");
        Assert.True(int8 <= Int8Share * weights, $"Activations in int8 diverge by {int8:e2} nats, the weights by {weights:e2}; {Int8Share:p0} of that is allowed.");
    }

    /// <summary>How far the second model, over a cache of some options, is from the first over one in fp32.</summary>
    private static double Divergence(LanguageModel first, LanguageModel second, CacheOptions? cache, TextRuns text) =>
        ModelComparison.Measure(first, Unrounded, second, cache, text, cancellationToken: TestContext.Current.CancellationToken).Divergence;

    private static async Task<TextRuns> ProseAsync()
    {
        var prose = await File.ReadAllTextAsync(Path.Combine(TestPaths.Nano, "held-out-prose.txt"), TestContext.Current.CancellationToken);
        return TextRuns.Cut(prose, DeepseekTokenizer.Load(TestPaths.Nano), maxTokens: 4096);
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
