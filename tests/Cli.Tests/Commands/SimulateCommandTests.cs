using Deepseek.Inference.Offload;
using Deepseek.Inference.Tests;

namespace Deepseek.Cli.Tests.Commands;

public sealed class SimulateCommandTests
{
    private static readonly string NanoConfig = Path.Combine(TestPaths.Nano, "config.json");

    // 5 layers × 16 experts, 4 chosen.
    private static readonly string[] Nano = ["simulate", "--architecture", NanoConfig, "--tokens", "200"];

    [Fact]
    public async Task Slots_AllPolicies_AreComparedBesideTheBest()
    {
        var result = await Tool.RunAsync([.. Nano, "--slots", "20", "40", "--json"]);

        result.AssertSuccess();
        Assert.Equal(8, result.Objects.Count);
        Assert.Equal(["lru", "slru", "lfu", "least-stale"], result.Objects.Take(4).Select(row => row.GetProperty("eviction").GetString()));
        Assert.All(result.Objects, row =>
        {
            Assert.InRange(row.GetProperty("hit_rate").GetDouble(), 0.1, row.GetProperty("optimal_hit_rate").GetDouble());
            Assert.Equal((80, 150, "Zipf routing, exponent 0.5"), (row.GetProperty("experts").GetInt32(), row.GetProperty("tokens").GetInt32(), row.GetProperty("routing").GetString()));
            Assert.InRange(row.GetProperty("forecast_tokens_per_second").GetDouble(), 0, row.GetProperty("forecast_tokens_per_second_overlapped").GetDouble());
            Assert.False(row.TryGetProperty("ram_bytes", out _));
        });
    }

    [Fact]
    public async Task Ram_OfR1_BecomesSlots()
    {
        var result = await Tool.RunAsync("simulate", "--tokens", "4", "--ram", "64GiB", "384GiB", "--eviction", "lru", "--json");

        result.AssertSuccess();
        // (64 GiB − 4 GiB − 9,494,768,640 bytes that are always used) / 22,724,608; and all of 58 × 256.
        Assert.Equal([2417, 14848], result.Objects.Select(row => row.GetProperty("slots").GetInt32()));
        Assert.Equal([64L << 30, 384L << 30], result.Objects.Select(row => row.GetProperty("ram_bytes").GetInt64()));
    }

    [Fact]
    public async Task Table_SaysThatItIsSimulated()
    {
        var result = await Tool.RunAsync([.. Nano, "--slots", "20", "--synthetic", "markov", "--stay", "0.5", "--share-by-layer", "--pin", "0.2", "--prefetch", "0.8", "--warm-up", "20", "--disk", "3", "--memory", "20"]);

        result.AssertSuccess();
        Assert.StartsWith("Simulated, not measured: Markov routing, exponent 0.5, stay 0.5; 200 tokens, of which 180 count; 5 layers × 16 experts, 4 chosen.\n", result.Out, StringComparison.Ordinal);
        Assert.Contains("20 (25%)   least-stale", result.Out, StringComparison.Ordinal);
        Assert.Contains("memory 20.0 GB/s, disk 3.0 GB/s; disk and memory take turns, or overlap as a whole.", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trace_Recorded_IsReplayed()
    {
        using var folder = new TemporaryFolder();
        SyntheticTrace.Create(new() { Layers = 5, ExpertsPerLayer = 16, Chosen = 4, Tokens = 60 }).Write(folder.File("routing.bin"));

        var result = await Tool.RunAsync("simulate", "--trace", folder.File("routing.bin"), "--architecture", NanoConfig, "--slots", "80", "--eviction", "least-stale", "--json");

        result.AssertSuccess();
        Assert.Equal((folder.File("routing.bin"), 45), (Assert.Single(result.Objects).GetProperty("routing").GetString(), result.Objects[0].GetProperty("tokens").GetInt32()));
    }

    [Fact]
    public async Task Trace_OfAnotherModel_IsRefused()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("routing.bin");
        new RoutingTrace(5, 16, 4, []).Write(file);

        var result = await Tool.RunAsync("simulate", "--trace", file);

        result.AssertFault(DeepseekTool.Fault, $"{file} has 5 layers × 16 experts, 4 chosen; --architecture must have as many, and it has 58 × 256, 8 chosen.");
    }

    [Fact]
    public async Task Trace_Damaged_IsRefused()
    {
        using var folder = new TemporaryFolder();

        var result = await Tool.RunAsync("simulate", "--trace", folder.Write("routing.bin", "text"));

        result.AssertFault(DeepseekTool.Fault, "It is no routing trace.");
    }

    [Theory]
    [InlineData("--eviction best", "--eviction is 'best'; it must be all, lru, slru, lfu or least-stale.")]
    [InlineData("--synthetic normal", "--synthetic is 'normal'; it must be uniform, zipf or markov.")]
    [InlineData("--ram much", "--ram is 'much'; it must be a size such as 64GiB, 24GB or a number of bytes.")]
    [InlineData("--slots 0", "--slots is '0'; it must be whole numbers, 1 or more.")]
    [InlineData("--pin 1", "--pin is '1'; it must be a number, 0 to 0.9.")]
    [InlineData("--prefetch -1", "--prefetch is '-1'; it must be a number, 0 to 1.")]
    [InlineData("--disk 0", "--disk is '0'; it must be a number, 0.001 to 1000000.")]
    [InlineData("--skew NaN", "--skew is 'NaN'; it must be a number, 0 to 4.")]
    [InlineData("--synthetic uniform --skew 1", "--skew is 1; it must be left out with --synthetic uniform.")]
    [InlineData("--stay 0.5", "--stay is 0.5; it must be left out without --synthetic markov.")]
    [InlineData("--ram 64GiB --slots 100", "--ram and --slots are both given; one of them decides how many experts fit.")]
    [InlineData("--trace a --tokens 9", "--trace and --tokens are both given; a recorded routing has its own tokens and no law.")]
    [InlineData("--trace a --synthetic zipf", "--trace and --synthetic are both given;")]
    public async Task WrongUsage_Anything_IsNamed(string options, string fragment)
    {
        var result = await Tool.RunAsync(["simulate", .. options.Split(' ')]);

        result.AssertFault(DeepseekTool.WrongUsage, fragment);
    }

    [Theory]
    [InlineData("--ram 8GiB", "--ram is 8 GiB; it must be 13 GiB or more: 8.8 GiB of weights that are always used, --reserve, and the experts of one token in one layer.")]
    [InlineData("--slots 7 --tokens 4", "Slots is 7; it must be 8 or more, since a token uses so many experts of a layer together.")]
    [InlineData("--slots 8 --tokens 4 --warm-up 4", "WarmUpTokens is 4; it must be 0 to 3, since the trace has 4 tokens.")]
    public async Task Fault_OfTheModel_IsNamed(string options, string fragment)
    {
        var result = await Tool.RunAsync(["simulate", .. options.Split(' ')]);

        result.AssertFault(DeepseekTool.Fault, fragment);
    }
}
