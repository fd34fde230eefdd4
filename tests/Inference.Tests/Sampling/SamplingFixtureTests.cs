using System.Globalization;
using System.Text.Json;
using Deepseek.Inference.Sampling;

namespace Deepseek.Inference.Tests.Sampling;

/// <summary>Every case of tests/fixtures/sampling.json, whose probabilities Hugging Face transformers 5.23 computed.</summary>
public sealed class SamplingFixtureTests
{
    /// <summary>The stated bound; most cases agree to 1e-7, the precision of their logits.</summary>
    private const double Tolerance = 1e-5;

    private static readonly JsonSerializerOptions Json = new() { PropertyNameCaseInsensitive = true };

    private static readonly Case[] Cases =
        JsonSerializer.Deserialize<Case[]>(File.ReadAllText(Path.Combine(TestPaths.Fixtures, "sampling.json")), Json)!;

    public static TheoryData<int, string> CaseNames
    {
        get
        {
            TheoryData<int, string> data = [];
            for (var i = 0; i < Cases.Length; i++)
                data.Add(i, Cases[i].Name);
            return data;
        }
    }

    [Fact]
    public void Fixture_HoldsAllItsCases() => Assert.Equal(48, Cases.Length);

    [Theory, MemberData(nameof(CaseNames))]
    public void Probabilities_StepsInTheNamedOrder_EqualTheReference(int index, string name)
    {
        var processors = Steps(name).Select(step => (ILogitsProcessor)(step.Name switch
        {
            "temperature" => new Temperature(step.Value),
            "top-k" => new TopK((int)step.Value),
            "top-p" => new TopP(step.Value),
            "min-p" => new MinP(step.Value),
            "typical" => new Typical(step.Value),
            "repetition" => new RepetitionPenalty(step.Value),
            _ => throw new NotSupportedException($"The fixture names an unknown step: {step.Name}."),
        }));

        AssertReference(new SamplerChain(processors, new MultinomialSampler()), Cases[index]);
    }

    [Theory, MemberData(nameof(CaseNames))]
    public void Probabilities_ChainOfOptions_EqualTheReference(int index, string name)
    {
        var options = Steps(name).Aggregate(new SamplingOptions(), (options, step) => step.Name switch
        {
            "temperature" => options with { Temperature = step.Value },
            "top-k" => options with { TopK = (int)step.Value },
            "top-p" => options with { TopP = step.Value },
            "min-p" => options with { MinP = step.Value },
            "typical" => options with { TypicalP = step.Value },
            "repetition" => options with { RepetitionPenalty = step.Value },
            _ => throw new NotSupportedException($"The fixture names an unknown step: {step.Name}."),
        });

        AssertReference(SamplerChain.Create(options), Cases[index]);
    }

    private static void AssertReference(SamplerChain chain, Case reference)
    {
        var half = reference.History.Length / 2;
        var logits = (float[])reference.Logits.Clone();
        var actual = new float[logits.Length];

        chain.Probabilities(logits, new SamplingContext(reference.History.AsSpan(0, half), reference.History.AsSpan(half)), actual);

        for (var id = 0; id < actual.Length; id++)
        {
            Assert.Equal(reference.Probabilities[id], actual[id], Tolerance);
            if (reference.Probabilities[id] == 0)
                Assert.Equal(0, actual[id]);
        }
    }

    // "temperature 1.5, top-k 20 of 64": a name, a value, and perhaps a remark.
    private static IEnumerable<(string Name, double Value)> Steps(string name) =>
        name.Split(", ").Select(step => step.Split(' ')).Select(words => (words[0], double.Parse(words[1], CultureInfo.InvariantCulture)));

    private sealed record Case(string Name, int[] History, float[] Logits, double[] Probabilities);
}
