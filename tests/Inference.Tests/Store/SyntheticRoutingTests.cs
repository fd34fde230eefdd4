using Deepseek.Inference.Configuration;
using Deepseek.Inference.Models;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;
using Deepseek.Inference.Tests.Configuration;

namespace Deepseek.Inference.Tests.Store;

/// <summary>How often the models of synthetic stores choose each expert, measured with the models themselves.</summary>
public sealed class SyntheticRoutingTests
{
    // What is specified.
    private const double EntropyOfUniform = 0.995;

    // Counting 64 frequencies over so many tokens takes 63 / (2 · 8,192 · 6 · ln 64) = 0.00015 from the entropy of equal ones.
    private const int Tokens = 8_192;
    private const int SequenceLength = 512;

    private static readonly (string, string?)[] Small =
    [
        ("vocab_size", "2048"), ("hidden_size", "128"), ("intermediate_size", "256"), ("moe_intermediate_size", "64"), ("num_hidden_layers", "4"), ("n_routed_experts", "64"),
    ];

    public static TheoryData<string, int, int> Models => new()
    {
        { "v3-fp32", 8, 8 }, // groups and a selection bias
        { "v2-lite", 1, 6 }, // neither
        { "v2", 8, 6 }, // groups
    };

    [Theory, MemberData(nameof(Models))]
    public async Task Experts_EqualUse_AreChosenEquallyOften(string name, int groups, int chosen)
    {
        var config = ConfigText.Parse(name, [.. Small, ("n_group", $"{groups}"), ("topk_group", $"{(groups + 1) / 2}"), ("num_experts_per_tok", $"{chosen}")]);

        var layers = await FrequenciesAsync(config, new SyntheticOptions());

        Assert.Equal([1, 2, 3], layers.Keys);
        Assert.All(layers.Values, frequencies => Assert.InRange(Entropy(frequencies), EntropyOfUniform, 1));
    }

    [Theory]
    [InlineData("v3-fp32", 0)]
    [InlineData("v3-no-qlora", 1)]
    [InlineData("v2-lite", 2)]
    [InlineData("v2", 3)]
    public async Task Experts_FewTokens_AreBalancedOverThem(string name, int seed)
    {
        // 256 tokens of 64 values: chance alone would prefer some of the 16 experts.
        var layers = await FrequenciesAsync(ModelConfig.Load(ConfigText.Folder(name)), new SyntheticOptions { Seed = seed });

        Assert.Equal([1, 2], layers.Keys);
        Assert.All(layers.Values, frequencies => Assert.InRange(Entropy(frequencies), EntropyOfUniform, 1));
    }

    [Theory]
    [InlineData("v3-fp32", 8, 8, 0.5)]
    [InlineData("v2-lite", 1, 6, 0.5)]
    [InlineData("v2", 8, 6, 0.5)]
    [InlineData("v3-fp32", 8, 8, 1)] // steeper than tokens that choose an expert once at most can be
    [InlineData("v2-lite", 1, 6, 1)]
    public async Task Experts_Skewed_AreChosenByTheLaw(string name, int groups, int chosen, double skew)
    {
        var config = ConfigText.Parse(name, [.. Small, ("n_group", $"{groups}"), ("topk_group", $"{(groups + 1) / 2}"), ("num_experts_per_tok", $"{chosen}")]);
        var random = new SyntheticRandom(0, "any");
        var law = SyntheticBalance.Frequencies(config.Experts!, skew, ref random).OrderDescending().ToArray();

        var layers = await FrequenciesAsync(config, new SyntheticOptions { Skew = skew });

        foreach (var ranked in layers.Values.Select(frequencies => frequencies.OrderDescending().ToArray()))
        {
            // A layer's states are not quite as random as those of the simulation: some 2 % of the choices are others.
            Assert.InRange(law.Zip(ranked, (expected, actual) => Math.Abs(expected - actual)).Sum() / (2 * chosen), 0, 0.03);
            Assert.InRange(Exponent(ranked), Exponent(law) * 0.9, Exponent(law) * 1.1);
        }

        var most = layers.Values.Select(frequencies => Array.IndexOf(frequencies, frequencies.Max())).Distinct();
        Assert.True(most.Count() > 1, "The same expert ranks first in every layer.");
    }

    /// <summary>How often each expert of each layer is chosen by a token.</summary>
    private static async Task<SortedDictionary<int, double[]>> FrequenciesAsync(ModelConfig config, SyntheticOptions options)
    {
        using var folder = new TemporaryFolder();
        await StoreSynthesizer.SynthesizeAsync(config, folder.Path, options, cancellationToken: TestContext.Current.CancellationToken);
        using var model = await LanguageModel.LoadAsync(folder.Path, cancellationToken: TestContext.Current.CancellationToken);
        var random = new Random(11);
        var trace = new ForwardTrace();
        for (var sequence = 0; sequence < Tokens / SequenceLength; sequence++)
        {
            using var cache = model.CreateCache();
            var ids = Enumerable.Range(0, SequenceLength).Select(_ => random.Next(config.VocabularySize)).ToArray();
            using var logits = model.Forward(ids, cache, trace: trace, cancellationToken: TestContext.Current.CancellationToken);
        }

        SortedDictionary<int, double[]> layers = [];
        foreach (var (layer, chosen) in trace.Experts)
        {
            layers[layer] = new double[config.Experts!.RoutedCount];
            foreach (var expert in chosen)
                layers[layer][expert] += 1.0 / Tokens;
        }

        return layers;
    }

    /// <summary>As a share of that of equal frequencies.</summary>
    private static double Entropy(double[] frequencies)
    {
        var sum = frequencies.Sum();
        return -frequencies.Where(frequency => frequency > 0).Sum(frequency => frequency / sum * Math.Log(frequency / sum)) / Math.Log(frequencies.Length);
    }

    /// <summary>Of the line through logarithms of ranks and frequencies.</summary>
    private static double Exponent(double[] ranked)
    {
        var points = ranked.Select((frequency, rank) => (X: Math.Log(rank + 1), Y: Math.Log(frequency))).ToArray();
        var (x, y) = (points.Average(point => point.X), points.Average(point => point.Y));
        return -points.Sum(point => (point.X - x) * (point.Y - y)) / points.Sum(point => (point.X - x) * (point.X - x));
    }
}
