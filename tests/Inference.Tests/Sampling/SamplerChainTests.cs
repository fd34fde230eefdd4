using Deepseek.Inference.Sampling;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Sampling;

public sealed class SamplerChainTests
{
    /// <summary>Rounding of up to 200 probabilities to single precision.</summary>
    private const double SumTolerance = 1e-5;

    private static readonly SamplingOptions Everything = new()
    {
        Temperature = 0.8,
        TopK = 100,
        TopP = 0.95,
        MinP = 0.01,
        TypicalP = 0.9,
        RepetitionPenalty = 1.1,
        FrequencyPenalty = 0.2,
        PresencePenalty = 0.1,
        LogitBias = new Dictionary<int, float> { [0] = -1f },
        Processors = [new Recorder()],
    };

    [Fact]
    public void Create_Everything_FollowsTheStandardOrder() =>
        Assert.Equal(
            ["RepetitionPenalty", "FrequencyPresencePenalty", "LogitBias", "Recorder", "Temperature", "TopK", "TopP", "MinP", "Typical", "MultinomialSampler"],
            Names(SamplerChain.Create(Everything)));

    [Fact]
    public void Create_TemperatureZero_KeepsPenaltiesBiasAndUsersAlone() =>
        Assert.Equal(
            ["RepetitionPenalty", "FrequencyPresencePenalty", "LogitBias", "Recorder", "GreedySampler"],
            Names(SamplerChain.Create(Everything with { Temperature = 0 })));

    [Fact]
    public void Create_NothingSet_SamplesTheModelsDistribution() => Assert.Equal(["MultinomialSampler"], Names(SamplerChain.Create(new SamplingOptions())));

    [Fact]
    public void Create_EverythingSetToOff_AddsNoProcessor()
    {
        SamplingOptions options = new()
        {
            Temperature = 1, TopK = 0, TopP = 1, MinP = 0, TypicalP = 1, RepetitionPenalty = 1,
            FrequencyPenalty = 0, PresencePenalty = 0, LogitBias = new Dictionary<int, float>(), Processors = [],
        };

        Assert.Equal(["MultinomialSampler"], Names(SamplerChain.Create(options)));
    }

    [Theory]
    [InlineData(0.5, null)]
    [InlineData(null, 0.5)]
    public void Create_OneCountPenalty_LeavesTheOtherAtZero(double? frequency, double? presence)
    {
        var chain = SamplerChain.Create(new SamplingOptions { FrequencyPenalty = frequency, PresencePenalty = presence });

        var row = Rows.Apply(chain.Processors.Single(), [3f], generated: [0, 0]);

        Assert.Equal([frequency is null ? 2.5f : 2f], row);
    }

    [Fact]
    public void Create_BadOptions_NamesTheFaults()
    {
        var fault = Assert.Throws<ArgumentException>(() => SamplerChain.Create(new SamplingOptions { TopP = 2 }));

        Assert.Equal("SamplingOptions: TopP is 2; it must be 0 to 1, since it is a share of the probability; 1 turns it off.", fault.Message);
    }

    [Fact]
    public void Next_UsersOwnOrder_IsKept()
    {
        Recorder first = new(), second = new();
        var chain = new SamplerChain([second, new TopK(1), first], new GreedySampler());

        chain.Next([1f, 2f, 3f], new SamplingContext([], []), seed: 0);

        Assert.Equal([1f, 2f, 3f], second.Seen);
        Assert.Equal([Rows.Removed, Rows.Removed, 3f], first.Seen);
    }

    [Fact]
    public void Next_UsersProcessor_SeesPromptGeneratedAndStep()
    {
        Recorder recorder = new();
        var chain = SamplerChain.Create(new SamplingOptions { Processors = [recorder] });

        chain.Next([1f, 2f], new SamplingContext([1, 0], [1], step: 7), seed: 0);

        Assert.Equal("1,0|1|7", recorder.Context);
    }

    [Fact]
    public void Next_TemperatureZero_StillObeysBiasAndPenalties()
    {
        var chain = SamplerChain.Create(new SamplingOptions { Temperature = 0, RepetitionPenalty = 2, LogitBias = new Dictionary<int, float> { [2] = float.NegativeInfinity } });

        Assert.Equal(1, chain.Next([5f, 4f, 9f], new SamplingContext([0], []), seed: 0));
    }

    [Fact]
    public void Next_AnyRow_DependsOnSeedAndStepAlone() => Rows.ForAll(Rows.Any, Gen.Choose(int.MinValue, int.MaxValue), (row, seed) =>
    {
        var chain = SamplerChain.Create(new SamplingOptions { Temperature = 0.9, TopP = 0.9 });

        var alone = Enumerable.Range(0, 6).Select(step => Next(chain, row, seed, step)).ToArray();
        var among = Enumerable.Range(0, 6).Reverse().Select(step => (Next(chain, row, seed + 1L, step), Next(chain, row, seed, step)).Item2).Reverse();

        Assert.Equal(alone, among);
    });

    [Fact]
    public void Probabilities_AnyRow_IsADistributionOverWhatNextCanDraw() => Rows.ForAll(Rows.Any, row =>
    {
        var chain = SamplerChain.Create(Everything with { TopK = 5 });
        var probabilities = new float[row.Length];

        chain.Probabilities((float[])row.Clone(), new SamplingContext([], [0]), probabilities);

        Assert.All(probabilities, p => Assert.InRange(p, 0, 1));
        Assert.Equal(1, probabilities.Sum(p => (double)p), SumTolerance);
        Assert.InRange(probabilities.Count(p => p > 0), 1, 5);
        for (var seed = 0; seed < 10; seed++)
            Assert.True(probabilities[Next(chain, row, seed, 1)] > 0);
    });

    // Renaming the tokens renames the result, where no tie has to be broken by id.
    [Fact]
    public void Probabilities_PermutedRow_ArePermuted() => Rows.ForAll(Rows.Spread, row =>
    {
        if (Rows.Kept(row).Select(id => row[id]).Distinct().Count() < Rows.Kept(row).Length)
            return;
        var chain = SamplerChain.Create(Everything with { LogitBias = null, RepetitionPenalty = null, FrequencyPenalty = null, PresencePenalty = null });
        float[] straight = new float[row.Length], turned = new float[row.Length];

        chain.Probabilities((float[])row.Clone(), default, straight);
        chain.Probabilities([.. row.Reverse()], default, turned);

        for (var id = 0; id < row.Length; id++)
            Assert.Equal(straight[id], turned[^(id + 1)], SumTolerance);
    });

    [Fact]
    public void Next_LargeVocabularyInSteadyState_AllocatesNothing()
    {
        var logits = Rows.Normal(Rows.LargeVocabulary, seed: 11, deviation: 3);
        var row = new float[logits.Length];
        int[] history = [.. Enumerable.Range(0, 1000)];
        var chains = new[] { SamplerChain.Create(Everything), SamplerChain.Create(Everything with { TopK = 0, MinP = 0 }), SamplerChain.Create(Everything with { Temperature = 0 }) };

        foreach (var chain in chains)
        {
            Assert.Equal(0, Allocations.LeastOf(() =>
            {
                logits.CopyTo(row, 0);
                chain.Next(row, new SamplingContext(history, history), seed: 1);
            }));
        }
    }

    [Fact]
    public void Probabilities_OtherLength_NamesBoth()
    {
        var fault = Assert.Throws<ArgumentException>(() => SamplerChain.Create(new SamplingOptions()).Probabilities([1f, 2f], default, new float[3]));

        Assert.Equal("destination has 3 elements; it must have 2, one a logit. (Parameter 'destination')", fault.Message);
    }

    [Fact]
    public void Constructor_NullProcessor_NamesItsPlace()
    {
        var fault = Assert.Throws<ArgumentException>(() => new SamplerChain([new TopK(1), null!], new GreedySampler()));

        Assert.Equal("processors[1] is null; every processor must be given. (Parameter 'processors')", fault.Message);
    }

    private static IEnumerable<string> Names(SamplerChain chain) =>
        chain.Processors.Select(processor => processor.GetType().Name).Append(chain.Sampler.GetType().Name);

    private static int Next(SamplerChain chain, float[] row, long seed, int step) =>
        chain.Next((float[])row.Clone(), new SamplingContext([], [0], step), seed);

    private sealed class Recorder : ILogitsProcessor
    {
        public float[] Seen { get; private set; } = [];

        public string Context { get; private set; } = "";

        public void Process(Span<float> logits, in SamplingContext context)
        {
            // Kept once, so that the chain's steady state allocates nothing.
            if (Seen.Length > 0)
                return;
            Seen = logits.ToArray();
            Context = $"{string.Join(',', context.Prompt.ToArray())}|{string.Join(',', context.Generated.ToArray())}|{context.Step}";
        }
    }
}
