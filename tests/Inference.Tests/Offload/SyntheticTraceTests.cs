using Deepseek.Inference.Offload;

namespace Deepseek.Inference.Tests.Offload;

public sealed class SyntheticTraceTests
{
    private static readonly SyntheticTraceOptions Small = new() { Layers = 2, ExpertsPerLayer = 32, Chosen = 4, Tokens = 4000 };

    [Fact]
    public void Create_SameSeed_GivesTheSame()
    {
        var options = Small with { Skew = 0.7, Stay = 0.4, Seed = -5 };

        Assert.Equal(All(SyntheticTrace.Create(options)), All(SyntheticTrace.Create(options)));
        Assert.NotEqual(All(SyntheticTrace.Create(options)), All(SyntheticTrace.Create(options with { Seed = 5 })));
    }

    [Fact]
    public void Create_Uniform_UsesAllExpertsAlike()
    {
        // 500 uses each on the average, with a deviation of about 21.
        Assert.All(Counts(SyntheticTrace.Create(Small), 0), count => Assert.InRange(count, 400, 600));
    }

    [Fact]
    public void Create_OneOfAZipfLaw_IsChosenAsOftenAsItSays()
    {
        var trace = SyntheticTrace.Create(Small with { Chosen = 1, Skew = 1, Tokens = 40_000 });

        int[] counts = [.. Counts(trace, 1).OrderDescending()];

        // 1/1 and 1/2 of H(32) = 4.0585; the deviations are below 100.
        Assert.InRange(counts[0], 9400, 10_300);
        Assert.InRange(counts[1], 4600, 5300);
    }

    [Fact]
    public void Create_Zipf_ShufflesRanksByLayer()
    {
        var trace = SyntheticTrace.Create(Small with { Skew = 1 });

        Assert.NotEqual(Best(trace, 0), Best(trace, 1));
    }

    [Theory]
    [InlineData(0, 0.08, 0.17)] // by chance: 4 of 32
    [InlineData(0.6, 0.6, 0.7)] // 0.6, and some that are drawn again
    [InlineData(1, 1, 1)]
    public void Create_Stay_IsTheShareOfExpertsThatReturn(double stay, double least, double most)
    {
        var trace = SyntheticTrace.Create(Small with { Stay = stay });

        var returned = Enumerable.Range(1, Small.Tokens - 1).Average(token => trace.Experts(token, 0).ToArray().Intersect(trace.Experts(token - 1, 0).ToArray()).Count() / 4.0);

        Assert.InRange(returned, least, most);
    }

    [Fact]
    public void Create_EveryExpertChosen_IsAllOfThem()
    {
        var trace = SyntheticTrace.Create(Small with { Chosen = 32, Tokens = 3, Skew = 4 });

        Assert.Equal(Enumerable.Range(0, 32).Select(expert => (ushort)expert), trace.Experts(2, 1).ToArray());
    }

    [Fact]
    public void Create_AllFaults_AreNamed()
    {
        var fault = Assert.Throws<ArgumentException>(() => SyntheticTrace.Create(new() { Layers = 0, Chosen = 257, Tokens = 0, Skew = double.NaN, Stay = 1.5 }));

        Assert.Equal(
            "SyntheticTraceOptions: Layers is 0; it must be 1 to 4096. Chosen is 257; it must be 1 to 256, the experts of a layer. Tokens is 0; it must be 1 to 1000000. Skew is NaN; it must be 0 to 4. Stay is 1.5; it must be 0 to 1.",
            fault.Message);
    }

    [Fact]
    public void Create_MoreThanAnArrayHolds_IsNamed()
    {
        var fault = Assert.Throws<ArgumentException>(() => SyntheticTrace.Create(new() { Layers = 4096, Chosen = 1, Tokens = 1_000_000, ExpertsPerLayer = 65537 - 1 }));

        Assert.Equal("SyntheticTraceOptions: Tokens is 1000000; it must be 524287 or fewer with 4096 experts a token.", fault.Message);
    }

    private static int[] Counts(RoutingTrace trace, int layer)
    {
        var counts = new int[trace.ExpertsPerLayer];
        for (var token = 0; token < trace.Tokens; token++)
        {
            foreach (var expert in trace.Experts(token, layer))
                counts[expert]++;
        }

        return counts;
    }

    private static int Best(RoutingTrace trace, int layer) => Counts(trace, layer) is var counts ? Array.IndexOf(counts, counts.Max()) : -1;

    private static ushort[] All(RoutingTrace trace) =>
        [.. from token in Enumerable.Range(0, trace.Tokens) from layer in Enumerable.Range(0, trace.Layers) from expert in trace.Experts(token, layer).ToArray() select expert];
}
