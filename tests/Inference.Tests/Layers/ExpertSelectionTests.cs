using System.Runtime.InteropServices;
using System.Text.Json;
using Deepseek.Inference.Checkpoints;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Layers;
using Deepseek.Inference.Tests.Sampling;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Layers;

public sealed class ExpertSelectionTests
{
    /// <summary>Two fp32 roundings of a sigmoid, and of a sum of eight.</summary>
    private const double WeightTolerance = 1e-6;

    [Theory]
    [InlineData("r1")]
    [InlineData("k2")]
    [InlineData("tiny")]
    [InlineData("negative")]
    [InlineData("plain")]
    public void Choose_ReferenceCase_GivesItsExpertsAndWeights(string name)
    {
        using var file = SafetensorsFile.Open(Path.Combine(TestPaths.Fixtures, "router.safetensors"));
        var config = Case(file, name);
        var logits = Values<float>(file, $"{name}.logits");
        var experts = Values<long>(file, $"{name}.experts");
        var weights = Values<float>(file, $"{name}.weights");
        var selection = new ExpertSelection(config, Values<float>(file, $"{name}.bias"));
        var (k, e) = (config.ChosenCount, config.RoutedCount);

        for (var token = 0; token < 64; token++)
        {
            var (chosen, factors) = Choose(selection, config, logits.AsSpan(token * e, e));

            Assert.Equal(experts[(token * k)..((token + 1) * k)], chosen.Select(expert => (long)expert));
            Assert.All(weights[(token * k)..((token + 1) * k)].Zip(factors), pair => Assert.InRange(pair.Second, pair.First - WeightTolerance, pair.First + WeightTolerance));
        }
    }

    [Fact]
    public void Choose_AnyLogits_AgreesWithTheDefinition() => Rows.ForAll(Cases, AgreesWithDefinition);

    [Fact]
    public void Choose_EqualScores_TakesTheLowerExpertsAndGroups()
    {
        var config = Config(experts: 12, groups: 4, kept: 2, chosen: 3, RoutingMethod.SigmoidNoAuxiliaryLoss);

        var (experts, weights) = Choose(new ExpertSelection(config, new float[12]), config, new float[12]);

        Assert.Equal([0, 1, 2], experts);
        Assert.All(weights, weight => Assert.Equal(2.5f / 3, weight, 6));
    }

    [Fact]
    public void Choose_AllScoresOfTheKeptGroupsNegative_StaysWithinThem()
    {
        // Biased scores: group 0 −0.5 each, group 1 −1 each. A dropped group counted as 0 would win.
        var config = Config(experts: 4, groups: 2, kept: 1, chosen: 2, RoutingMethod.SigmoidNoAuxiliaryLoss);

        var (experts, _) = Choose(new ExpertSelection(config, [-1, -1, -1.5f, -1.5f]), config, new float[4]);

        Assert.Equal([0, 1], experts);
    }

    [Fact]
    public void Choose_SoftmaxGroupLimited_RanksAGroupByItsBestExpertAlone()
    {
        // Group 0 has the best expert, group 1 the greatest sum of two.
        float[] logits = [3, -9, 2.9f, 2.9f];
        var config = Config(experts: 4, groups: 2, kept: 1, chosen: 2, RoutingMethod.SoftmaxGroupLimited) with { Renormalise = false, Scale = 16 };

        var (experts, weights) = Choose(new ExpertSelection(config, null), config, logits);

        var sum = logits.Sum(logit => Math.Exp(logit));
        Assert.Equal([0, 1], experts);
        Assert.Equal(16 * Math.Exp(3) / sum, weights[0], 5);
        Assert.Equal(16 * Math.Exp(-9) / sum, weights[1], 5);
    }

    [Fact]
    public void Choose_LargeLogits_SoftmaxDoesNotOverflow()
    {
        var config = Config(experts: 3, groups: 1, kept: 1, chosen: 2, RoutingMethod.SoftmaxGreedy) with { Renormalise = false, Scale = 1 };

        var (experts, weights) = Choose(new ExpertSelection(config, null), config, [1000, 1001, -1e30f]);

        Assert.Equal([0, 1], experts);
        Assert.Equal(1 / (1 + Math.E), weights[0], 6);
        Assert.Equal(Math.E / (1 + Math.E), weights[1], 6);
    }

    [Theory]
    [InlineData(RoutingMethod.SigmoidNoAuxiliaryLoss)]
    [InlineData(RoutingMethod.SoftmaxGreedy)]
    [InlineData(RoutingMethod.SoftmaxGroupLimited)]
    public void Choose_NotANumber_ChoosesDistinctExpertsAndShowsInTheWeights(RoutingMethod method)
    {
        var config = Config(experts: 12, groups: 4, kept: 2, chosen: 4, method);
        for (var damaged = 1; damaged < 1 << 12; damaged += 37)
        {
            var logits = Enumerable.Range(0, 12).Select(e => (damaged >> e & 1) == 1 ? float.NaN : e * 0.1f).ToArray();

            var (experts, weights) = Choose(new ExpertSelection(config, null), config, logits);

            Assert.Equal(4, experts.Distinct().Count());
            Assert.Equal(experts.Order(), experts);
            Assert.Contains(weights, float.IsNaN);
        }
    }

    [Theory]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Choose_InfiniteLogitsAndBiases_ChoosesDistinctExperts(float infinity)
    {
        var config = Config(experts: 8, groups: 4, kept: 2, chosen: 3, RoutingMethod.SigmoidNoAuxiliaryLoss);
        var values = Enumerable.Range(0, 8).Select(e => e % 3 == 0 ? infinity : e % 3 == 1 ? -infinity : e).ToArray();

        var (experts, _) = Choose(new ExpertSelection(config, values), config, values);

        Assert.Equal(3, experts.Distinct().Count());
        Assert.All(experts, expert => Assert.InRange(expert, 0, 7));
    }

    /// <summary>Groups of two or more, enough experts in the kept ones, coarse logits so that ties occur, biases that make scores negative.</summary>
    private static Gen<RoutingCase> Cases =>
        from method in Gen.Elements(Enum.GetValues<RoutingMethod>())
        from groups in method == RoutingMethod.SoftmaxGreedy ? Gen.Constant(1) : Gen.Choose(1, 5)
        from size in Gen.Choose(2, 6)
        from kept in Gen.Choose(1, groups)
        from chosen in Gen.Choose(1, kept * size)
        from renormalise in Gen.Elements(true, false)
        from logits in Gen.ArrayOf(Gen.Choose(-8, 8).Select(n => n * 0.5f), groups * size)
        from bias in Gen.ArrayOf(Gen.Choose(-4, 2).Select(n => n * 0.25f), groups * size)
        select new RoutingCase(
            new ExpertConfig(groups * size, 0, chosen, 1, 0, 1, groups, kept, method, renormalise, 2.5),
            logits,
            method == RoutingMethod.SigmoidNoAuxiliaryLoss ? bias : null);

    private static void AgreesWithDefinition(RoutingCase routing)
    {
        var (config, logits, bias) = routing;
        var affinity = config.Method == RoutingMethod.SigmoidNoAuxiliaryLoss
            ? Array.ConvertAll(logits, x => 1 / (1 + MathF.Exp(-x))) // fp32 as the selection's own, so that ties are the same
            : Array.ConvertAll(logits, x => (float)(MathF.Exp(x - logits.Max()) / logits.Sum(y => (double)MathF.Exp(y - logits.Max()))));
        var rank = affinity.Select((a, e) => bias is null ? a : a + bias[e]).ToArray();
        var size = config.RoutedCount / config.GroupCount;
        var pair = config.Method == RoutingMethod.SigmoidNoAuxiliaryLoss ? 2 : 1;
        var keptGroups = rank.Chunk(size)
            .Select((group, g) => (Group: g, Rank: group.OrderDescending().Take(pair).Aggregate((a, b) => a + b)))
            .OrderByDescending(group => group.Rank).ThenBy(group => group.Group)
            .Take(config.KeptGroups).Select(group => group.Group).ToHashSet();
        var expected = Enumerable.Range(0, config.RoutedCount)
            .Where(e => keptGroups.Contains(e / size))
            .OrderByDescending(e => rank[e]).ThenBy(e => e)
            .Take(config.ChosenCount).Order().ToArray();
        var sum = config.Renormalise ? expected.Sum(e => (double)affinity[e]) : 1;

        var (experts, weights) = Choose(new ExpertSelection(config, bias), config, logits);

        Assert.Equal(expected, experts);
        Assert.All(expected.Zip(weights), one => Assert.Equal(2.5 * affinity[one.First] / sum, one.Second, 5));
    }

    private static (int[] Experts, float[] Weights) Choose(ExpertSelection selection, ExpertConfig config, ReadOnlySpan<float> logits)
    {
        var (experts, weights) = (new int[config.ChosenCount], new float[config.ChosenCount]);
        selection.Choose(logits, experts, weights);
        return (experts, weights);
    }

    private static ExpertConfig Config(int experts, int groups, int kept, int chosen, RoutingMethod method) =>
        new(experts, 0, chosen, 1, 0, 1, groups, kept, method, Renormalise: true, Scale: 2.5);

    private static ExpertConfig Case(SafetensorsFile file, string name)
    {
        using var cases = JsonDocument.Parse(file.Metadata["cases"]);
        var entry = cases.RootElement.GetProperty(name);
        int Int(string key) => entry.GetProperty(key).GetInt32();
        return new ExpertConfig(
            Int("experts"), 0, Int("chosen"), 1, 0, 1, Int("groups"), Int("kept_groups"), RoutingMethod.SigmoidNoAuxiliaryLoss,
            entry.GetProperty("renormalise").GetBoolean(), entry.GetProperty("scale").GetDouble());
    }

    private static T[] Values<T>(SafetensorsFile file, string name)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(file.Bytes(file.Tensors[name])).ToArray();

    private sealed record RoutingCase(ExpertConfig Config, float[] Logits, float[]? Bias);
}
