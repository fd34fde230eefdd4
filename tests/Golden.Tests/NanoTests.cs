using System.Runtime.InteropServices;
using System.Text.Json;
using Deepseek.Inference.Caching;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Generation;
using Deepseek.Inference.Models;
using Deepseek.Inference.Quantization;
using Deepseek.Inference.Tests;

namespace Deepseek.Inference.Golden.Tests;

/// <summary>The embedded model against transformers: states, logits, and the answers to its evaluation set.</summary>
public sealed class NanoTests(NanoTests.Nano nano) : IClassFixture<NanoTests.Nano>
{
    private const double Tolerance = 2e-4;

    /// <summary>Two logits this close may change places by rounding: a hundred times what the logits differ from the reference.</summary>
    private const double NearTie = 2e-2;

    [Theory]
    [InlineData(ComputeOperations.Cpu)]
    [InlineData(ComputeOperations.Torch)]
    public void Forward_GoldenText_EqualsReference(ComputeOperations operations)
    {
        using var golden = new Golden(Path.Combine(TestPaths.Nano, "golden.safetensors"));
        var model = nano.On(operations);
        using var cache = model.CreateCache();
        var trace = new ForwardTrace();
        var ids = golden.Ids("ids");

        using var logits = model.Forward(ids, cache, LogitRows.All, trace);

        Golden.AssertClose(golden.Floats("logits"), logits.ToArray<float>(), Tolerance, "logits");
        for (var layer = 0; layer <= model.Config.LayerCount; layer++)
            Golden.AssertClose(golden.Floats($"hidden.{layer}"), CollectionsMarshal.AsSpan(trace.Hidden[layer]), Tolerance, $"hidden.{layer}");

        using var predictionCache = model.CreatePredictionCache();
        var states = trace.Hidden[model.Config.LayerCount].ToArray().AsMemory(0, (ids.Length - 1) * model.Config.HiddenSize);
        using var predicted = model.PredictAfterNext(ids.AsMemory(1), states, predictionCache);
        Golden.AssertClose(golden.Floats("mtp.logits"), predicted.ToArray<float>(), Tolerance, "mtp.logits");
    }

    [Theory]
    [InlineData(ComputeOperations.Cpu)]
    [InlineData(ComputeOperations.Torch)]
    public async Task GenerateBatchAsync_EvaluationSet_AnswersAsTheReferenceDid(ComputeOperations operations)
    {
        var questions = Questions();
        var options = new GenerationOptions { Sampling = new() { Temperature = 0 } };
        var replies = questions.Select(_ => new List<int>()).ToArray();

        var requests = questions.Select(question => new GenerationRequest(question.Prompt, options with { MaxNewTokens = question.Reference.Length })).ToArray();
        await foreach (var (request, token) in new Generator(nano.On(operations)).GenerateBatchAsync(requests, 16, TestContext.Current.CancellationToken))
            replies[request].Add(token.Id);

        var different = Enumerable.Range(0, questions.Count).Where(i => !replies[i].SequenceEqual(questions[i].Reference)).ToList();
        Assert.True(different.Count <= questions.Count * 0.02, $"{different.Count} of {questions.Count} replies differ from the reference.");
        Assert.All(different, i => AssertNearTie(nano.On(operations), questions[i], replies[i]));
    }

    [Theory]
    [InlineData(ComputeOperations.Cpu, CachePrecision.BFloat16, 0.95)] // 8 bits of precision in what attention reads
    [InlineData(ComputeOperations.Cpu, CachePrecision.Float16, 0.99)] // 11 bits
    [InlineData(ComputeOperations.Torch, CachePrecision.BFloat16, 0.95)]
    [InlineData(ComputeOperations.Torch, CachePrecision.Float16, 0.99)]
    public void Forward_SmallerCache_StaysClose(ComputeOperations operations, CachePrecision precision, double agreement)
    {
        var model = nano.On(operations);
        using var golden = new Golden(Path.Combine(TestPaths.Nano, "golden.safetensors"));
        using var full = model.CreateCache();
        using var small = model.CreateCache(new CacheOptions { Precision = precision });
        var ids = golden.Ids("ids");

        using var reference = model.Forward(ids, full, LogitRows.All);
        using var logits = model.Forward(ids, small, LogitRows.All);

        var (expected, actual) = (BestTokens(reference), BestTokens(logits));
        Assert.NotEqual(reference.ToArray<float>(), logits.ToArray<float>());
        Assert.True(expected.Zip(actual).Count(pair => pair.First == pair.Second) >= agreement * ids.Length, "The smaller cache changes too many best tokens.");
        Assert.Equal(full.ByteSize, 2 * small.ByteSize);
    }

    private static long[] BestTokens(TorchSharp.torch.Tensor logits)
    {
        using var best = logits.argmax(1);
        return best.ToArray<long>();
    }

    private static void AssertNearTie(LanguageModel model, Question question, List<int> reply)
    {
        var at = reply.Zip(question.Reference).TakeWhile(pair => pair.First == pair.Second).Count();
        using var cache = model.CreateCache();
        int[] text = [.. question.Prompt, .. reply.Take(at)];
        using var logits = model.Forward(text, cache);
        var row = logits.ToArray<float>();
        Assert.True(Math.Abs(row[reply[at]] - row[question.Reference[at]]) < NearTie, $"The reply to {string.Join(' ', question.Prompt)} leaves the reference at token {at} without a near-tie.");
    }

    private static List<Question> Questions()
    {
        List<Question> questions = [];
        foreach (var line in File.ReadLines(Path.Combine(TestPaths.Nano, "eval.jsonl")))
        {
            using var document = JsonDocument.Parse(line);
            questions.Add(new(Ids(document, "prompt_ids"), Ids(document, "reference_ids")));
        }

        Assert.Equal(120, questions.Count);
        return questions;
    }

    private static int[] Ids(JsonDocument document, string name) => [.. document.RootElement.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];

    private sealed record Question(int[] Prompt, int[] Reference);

    public sealed class Nano : IAsyncLifetime
    {
        private LanguageModel? _onKernels;
        private LanguageModel? _onTensors;

        public DeepseekModel On(ComputeOperations operations) => (DeepseekModel)(operations == ComputeOperations.Cpu ? _onKernels : _onTensors)!;

        public async ValueTask InitializeAsync()
        {
            _onKernels = await GoldenModel.LoadFromAsync(TestPaths.Nano, ComputeOperations.Cpu);
            _onTensors = await GoldenModel.LoadFromAsync(TestPaths.Nano, ComputeOperations.Torch);
        }

        public ValueTask DisposeAsync()
        {
            _onKernels?.Dispose();
            _onTensors?.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
