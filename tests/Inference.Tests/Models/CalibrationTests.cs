using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Models;
using Deepseek.Inference.Quantization;

namespace Deepseek.Inference.Tests.Models;

/// <summary>The energies, held against what hidden states say of every product's input.</summary>
public sealed class CalibrationTests
{
    private const string Predictor = "v3-mtp"; // 3 layers, the first dense, and layer 3 for the token after next

    [Fact]
    public async Task RunAsync_TextsOfOneToken_MeasuresEveryMatrixOfALayer()
    {
        // A token alone attends to nothing but itself: a layer follows from its input without queries and positions.
        using var model = await Fixture.LoadAsync(Predictor);
        using var weights = new StoredWeights(Fixture.Folder(Predictor));
        var expected = new ExpectedEnergies(weights);
        var ids = Fixture.Ids(25);

        var energies = await Calibration.RunAsync(model, [.. ids.Select(id => (ReadOnlyMemory<int>)new[] { id })], cancellationToken: TestContext.Current.CancellationToken);

        foreach (var id in ids)
        {
            var trace = Trace(model, [id]);
            AddMixtureLayer(expected, weights, trace, layer: 1);
            expected.Add(TensorNames.Head, Row(trace.Hidden[3], 0));
        }

        Assert.True(expected.Names.Count(name => name.Contains(".experts.", StringComparison.Ordinal)) >= 30, "The texts must choose most experts.");
        expected.AssertMeasured(energies);
        Assert.DoesNotContain(energies.Names, name => name.StartsWith("model.layers.3.", StringComparison.Ordinal)); // no token has a successor
    }

    [Fact]
    public async Task RunAsync_LongerTexts_MeasuresAttentionHeadAndPredictionLayer()
    {
        using var model = await DeepseekModel.LoadAsync(Fixture.Folder(Predictor), new ModelOptions { ChunkSize = 8 }, cancellationToken: TestContext.Current.CancellationToken);
        using var weights = new StoredWeights(Fixture.Folder(Predictor));
        var expected = new ExpectedEnergies(weights);
        int[][] runs = [Fixture.Ids(21), [7], Fixture.Ids(16, seed: 2)];

        var energies = await Calibration.RunAsync(model, [.. runs.Select(run => (ReadOnlyMemory<int>)run)], cancellationToken: TestContext.Current.CancellationToken);

        foreach (var run in runs)
        {
            var trace = Trace(model, run);
            for (var token = 0; token < run.Length; token++)
            {
                for (var layer = 0; layer < 3; layer++)
                    expected.LatentInputs($"model.layers.{layer}", Row(trace.Hidden[layer], token));
                expected.Add(TensorNames.Head, Row(trace.Hidden[3], token));
                if (token + 1 < run.Length)
                    AddPredictionInput(expected, weights, run[token + 1], Row(trace.Hidden[3], token));
            }
        }

        expected.AssertMeasured(energies);
        Assert.Equal(38, energies.TokensOf(TensorNames.Head));
        Assert.Equal(35, energies.TokensOf("model.layers.3.shared_head.head.weight"));
        Assert.Equal(35, energies.TokensOf(TensorNames.SharedExpert(3, "down_proj")));
        Assert.Equal(35 * 4, Enumerable.Range(0, 16).Sum(expert => energies.TokensOf(TensorNames.Expert(3, expert, "up_proj"))));
    }

    [Theory]
    [InlineData(Predictor, 64)]
    [InlineData("v3-fp8", 160)]
    [InlineData("v3-no-qlora", 64)]
    [InlineData("v2-lite", 64)]
    [InlineData("distill-qwen2", 64)]
    [InlineData("distill-llama", 64)]
    public async Task RunAsync_AnyArchitecture_KnowsEveryMatrixThatIsMultiplied(string fixture, int tokens)
    {
        using var model = await Fixture.LoadAsync(fixture);
        using var weights = new StoredWeights(Fixture.Folder(fixture));

        var energies = await Calibration.RunAsync(model, [Fixture.Ids(tokens)], cancellationToken: TestContext.Current.CancellationToken);

        // A tied head is the embedding, whatever else the checkpoint holds.
        var head = model.Config.TieWordEmbeddings ? TensorNames.Embedding : TensorNames.Head;
        var multiplied = weights.Matrices.Where(matrix => matrix.Name == head || !(matrix.Name == TensorNames.Head || matrix.Name.EndsWith("embed_tokens.weight", StringComparison.Ordinal))).ToList();
        Assert.All(multiplied, matrix => Assert.Equal((matrix.Name, matrix.Shape[1]), (matrix.Name, energies.Of(matrix.Name)?.Length ?? 0)));
        Assert.Empty(energies.Names.Except(multiplied.Select(matrix => matrix.Name)));
        Assert.Equal(tokens, energies.TokensOf(head));
    }

    [Fact]
    public async Task RunAsync_PredictionLayerThatShares_CountsTheHeadForBoth()
    {
        using var folder = new AlteredCheckpoint(Predictor).Remove(name => name == "model.layers.3.shared_head.head.weight").Write();
        using var model = await LanguageModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken);

        var energies = await Calibration.RunAsync(model, [Fixture.Ids(10)], cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(10 + 9, energies.TokensOf(TensorNames.Head));
    }

    [Theory]
    [InlineData(Predictor)]
    [InlineData("distill-llama")]
    public async Task RunAsync_InChunks_MeasuresTheSame(string fixture)
    {
        const double tolerance = 1e-4; // libtorch sums in another order for another number of rows, and every layer carries the difference on
        using var whole = await Fixture.LoadAsync(fixture);
        using var chunked = await Fixture.LoadAsync(fixture, new ModelOptions { ChunkSize = 7 });
        ReadOnlyMemory<int>[] runs = [Fixture.Ids(50), Fixture.Ids(29, seed: 2)];

        var expected = await Calibration.RunAsync(whole, runs, cancellationToken: TestContext.Current.CancellationToken);
        var actual = await Calibration.RunAsync(chunked, runs, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(expected.Names, actual.Names);
        Assert.All(expected.Names, name =>
        {
            Assert.Equal(expected.TokensOf(name), actual.TokensOf(name));
            Fixture.AssertClose(expected.Of(name)!, actual.Of(name)!, tolerance);
        });
    }

    private static ForwardTrace Trace(LanguageModel model, int[] ids)
    {
        var trace = new ForwardTrace();
        using var cache = model.CreateCache();
        model.Forward(ids, cache, trace: trace).Dispose();
        return trace;
    }

    private static double[] Row(List<float> states, int row) => [.. states.Skip(row * 64).Take(64).Select(value => (double)value)];

    /// <summary>A layer of one token: the values that attention gives are the token's own.</summary>
    private static void AddMixtureLayer(ExpectedEnergies expected, StoredWeights weights, ForwardTrace trace, int layer)
    {
        var prefix = $"model.layers.{layer}";
        var hidden = Row(trace.Hidden[layer], 0);
        var (_, values) = expected.LatentInputs(prefix, hidden);
        var attended = expected.Multiply($"{prefix}.self_attn.o_proj.weight", values);
        var x = expected.Norm($"{prefix}.post_attention_layernorm.weight", [.. hidden.Zip(attended, (a, b) => a + b)]);

        expected.Add($"{prefix}.mlp.gate.weight", x);
        foreach (var expert in trace.Experts[layer])
            expected.SwiGlu($"{prefix}.mlp.experts.{expert}", x);
        if (weights.Has($"{prefix}.mlp.shared_experts.gate_proj.weight"))
            expected.SwiGlu($"{prefix}.mlp.shared_experts", x);
    }

    /// <summary>eh_proj of the normed embedding and the normed state, then the layer's own products.</summary>
    private static void AddPredictionInput(ExpectedEnergies expected, StoredWeights weights, int next, double[] state)
    {
        const string prefix = "model.layers.3";
        using var row = TorchSharp.torch.tensor(new long[] { next });
        using var embedding = weights.Matrix($"{prefix}.embed_tokens.weight").Gather(row);
        double[] embedded = [.. embedding.ToArray<float>().Select(value => (double)value)];
        var x = expected.Multiply($"{prefix}.eh_proj.weight", [.. expected.Norm($"{prefix}.enorm.weight", embedded), .. expected.Norm($"{prefix}.hnorm.weight", state)]);
        expected.LatentInputs(prefix, x);
    }
}
