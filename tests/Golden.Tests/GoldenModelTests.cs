using System.Runtime.InteropServices;
using Deepseek.Inference.Compute;
using Deepseek.Inference.Models;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Golden.Tests;

/// <summary>Every fixture model against the values that transformers computed from the same stored weights in fp32.</summary>
public sealed class GoldenModelTests
{
    /// <summary>Both sides round fp32 sums in their own order; a wrong formula is off by percents.</summary>
    private const double Tolerance = 2e-4;

    /// <summary>Only the order of sums differs between one pass and several.</summary>
    private const double SplitTolerance = 1e-4;

    private static readonly string[] LatentNames = ["v3-fp32", "v3-bf16", "v3-fp8", "v3-no-yarn", "v3-no-qlora", "v3-mtp", "v2-lite", "v2"];

    public static MatrixTheoryData<string, ComputeOperations> Models => new([.. LatentNames, "distill-qwen2", "distill-llama"], GoldenModel.Operations);

    public static TheoryData<string> LatentModels => [.. LatentNames];

    [Theory, MemberData(nameof(Models))]
    public async Task Forward_WholeText_EqualsReference(string name, ComputeOperations operations)
    {
        using var golden = GoldenModel.Open(name);
        using var model = await GoldenModel.LoadAsync(name, operations);

        foreach (var length in new[] { 7, 130 })
        {
            var ids = golden.Ids($"ids.{length}");
            for (var row = 0; row < ids.Length / length; row++)
            {
                using var cache = model.CreateCache();
                var trace = new ForwardTrace();

                using var logits = model.Forward(ids.AsMemory(row * length, length), cache, LogitRows.All, trace);

                AssertTensor($"logits.{length}", row, logits.ToArray<float>());
                for (var layer = 0; layer <= model.Config.LayerCount; layer++)
                    AssertTensor($"hidden.{length}.{layer}", row, CollectionsMarshal.AsSpan(trace.Hidden[layer]));
                AssertRouting(golden, length, row, trace);
            }
        }

        void AssertTensor(string tensor, int row, ReadOnlySpan<float> actual) =>
            Golden.AssertClose(golden.Floats(tensor).AsSpan(row * actual.Length, actual.Length), actual, Tolerance, $"{name} {tensor}");
    }

    [Theory, MemberData(nameof(Models))]
    public async Task Forward_TokenByTokenAndInChunks_EqualsWholeText(string name, ComputeOperations operations)
    {
        using var golden = GoldenModel.Open(name);
        using var model = await GoldenModel.LoadAsync(name, operations);
        using var chunked = await GoldenModel.LoadAsync(name, operations, new ModelOptions { ChunkSize = 33 });
        var ids = golden.Ids("ids.130");
        var expected = golden.Floats("logits.130");
        using var cache = model.CreateCache();
        using var chunkedCache = chunked.CreateCache();

        var decoded = new List<float>();
        foreach (var id in ids)
        {
            using var step = model.Forward(new[] { id }, cache);
            decoded.AddRange(step.ToArray<float>());
        }

        using var inChunks = chunked.Forward(ids, chunkedCache, LogitRows.All);

        Golden.AssertClose(expected, CollectionsMarshal.AsSpan(decoded), SplitTolerance, $"{name} decoded");
        Golden.AssertClose(expected, inChunks.ToArray<float>(), SplitTolerance, $"{name} in chunks");
    }

    [Theory, MemberData(nameof(Models))]
    public async Task Forward_BatchOfUnequalSequences_EqualsEachAlone(string name, ComputeOperations operations)
    {
        using var golden = GoldenModel.Open(name);
        using var model = await GoldenModel.LoadAsync(name, operations);
        var pair = golden.Ids("ids.7");
        var text = golden.Ids("ids.130");
        using var first = model.CreateCache();
        using var second = model.CreateCache();
        using var third = model.CreateCache();
        using (model.Forward(text.AsMemory(0, 50), third))
        {
        }

        using var logits = model.Forward([new(pair.AsMemory(0, 7), first), new(pair.AsMemory(7, 7), second), new(text.AsMemory(50, 80), third)]);

        var rows = logits.ToArray<float>();
        var width = model.Config.VocabularySize;
        Golden.AssertClose(golden.Floats("logits.7").AsSpan(6 * width, width), rows.AsSpan(0, width), Tolerance, $"{name} first");
        Golden.AssertClose(golden.Floats("logits.7").AsSpan(13 * width, width), rows.AsSpan(width, width), Tolerance, $"{name} second");
        Golden.AssertClose(golden.Floats("logits.130").AsSpan(129 * width, width), rows.AsSpan(2 * width, width), Tolerance, $"{name} third");
    }

    [Theory, MemberData(nameof(Models))]
    public async Task Forward_BestTokenFedBack_ContinuesAsReference(string name, ComputeOperations operations)
    {
        using var golden = GoldenModel.Open(name);
        using var model = await GoldenModel.LoadAsync(name, operations);
        using var cache = model.CreateCache();
        var expected = golden.Ids("greedy.tokens"); // the prompt, then the continuation
        var tokens = golden.Ids("greedy.prompt").ToList();
        var logits = new List<float>();

        for (ReadOnlyMemory<int> next = tokens.ToArray(); tokens.Count < expected.Length; next = new[] { tokens[^1] })
        {
            using var step = model.Forward(next, cache);
            var row = step.ToArray<float>();
            logits.AddRange(row);
            tokens.Add(row.AsSpan().IndexOf(row.Max()));
        }

        Assert.Equal(expected, tokens);
        Golden.AssertClose(golden.Floats("greedy.logits"), CollectionsMarshal.AsSpan(logits), Tolerance, $"{name} greedy logits");
    }

    [Theory, MemberData(nameof(LatentModels))]
    public async Task Forward_AttentionWindow_EqualsReference(string name)
    {
        using var golden = GoldenModel.Open(name);
        var ids = golden.Ids("ids.130");
        var expected = golden.Floats("window24_sink4.logits");

        foreach (var (operations, form, chunk) in Ways())
        {
            using var model = await GoldenModel.LoadAsync(name, operations, new ModelOptions { AttentionForm = form, ChunkSize = chunk });
            using var cache = model.CreateCache(new() { Window = new(Recent: 24, Sink: 4) });

            using var logits = model.Forward(ids, cache, LogitRows.All);

            Golden.AssertClose(expected, logits.ToArray<float>(), Tolerance, $"{name} window, {operations}, {form}, chunks of {chunk}");
        }

        static IEnumerable<(ComputeOperations Operations, AttentionForm Form, int Chunk)> Ways() =>
        [
            (ComputeOperations.Cpu, AttentionForm.Absorbed, 512), (ComputeOperations.Cpu, AttentionForm.Absorbed, 1), (ComputeOperations.Cpu, AttentionForm.Absorbed, 37),
            (ComputeOperations.Torch, AttentionForm.Absorbed, 512), (ComputeOperations.Torch, AttentionForm.Absorbed, 1), (ComputeOperations.Torch, AttentionForm.Naive, 37),
        ];
    }

    [Theory, MemberData(nameof(LatentModels))]
    public async Task Forward_NaiveForm_EqualsReference(string name)
    {
        using var golden = GoldenModel.Open(name);
        using var model = await GoldenModel.LoadAsync(name, ComputeOperations.Torch, new ModelOptions { AttentionForm = AttentionForm.Naive }); // the kernels have the absorbed form alone
        using var cache = model.CreateCache();

        using var logits = model.Forward(golden.Ids("ids.130"), cache, LogitRows.All);

        Golden.AssertClose(golden.Floats("logits.130"), logits.ToArray<float>(), Tolerance, $"{name} naive");
    }

    private static void AssertRouting(Golden golden, int length, int row, ForwardTrace trace)
    {
        Assert.Equal(golden.Names.Count(tensor => tensor.StartsWith($"experts.{length}.", StringComparison.Ordinal)), trace.Experts.Count);
        foreach (var (layer, chosen) in trace.Experts)
        {
            var range = new Range(row * chosen.Count, (row + 1) * chosen.Count);
            Assert.Equal(golden.Ids($"experts.{length}.{layer}")[range], chosen);
            Golden.AssertClose(golden.Floats($"expert_weights.{length}.{layer}").AsSpan(range), CollectionsMarshal.AsSpan(trace.ExpertWeights[layer]), Tolerance, $"expert weights of layer {layer}");
        }
    }
}
