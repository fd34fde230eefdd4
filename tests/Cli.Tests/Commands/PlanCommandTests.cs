using System.Text.Json;
using Deepseek.Inference.Configuration;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests;

namespace Deepseek.Cli.Tests.Commands;

public sealed class PlanCommandTests
{
    private static readonly string NanoConfig = Path.Combine(TestPaths.Nano, "config.json");

    [Fact]
    public async Task Json_KnownMachine_HasEveryKey()
    {
        var result = await Tool.RunAsync("plan", "--architecture", "v2-lite", "--machine", "RTX4090-64GB", "--hit-rate", "0.5", "--json");

        result.AssertSuccess();
        var plan = Assert.Single(result.Objects);
        Assert.Equal(("v2-lite", 27, 8192, 163840), (plan.GetProperty("model").GetString(), Number(plan, "layers"), Number(plan, "context"), Number(plan, "largest_context")));
        Assert.True(plan.GetProperty("fits").GetBoolean());
        Assert.Equal(["default", "int8", "fp8", "bf16"], plan.GetProperty("sizes").EnumerateArray().Select(size => size.GetProperty("precision").GetString()));
        Assert.Equal(StoreSynthesizer.Plan(KnownModels.V2Lite).Bytes, plan.GetProperty("disk_bytes").GetInt64());
        Assert.Equal("RTX 4090", plan.GetProperty("machine").GetProperty("device").GetProperty("name").GetString());
        Assert.Equal(0, Number(plan.GetProperty("placement"), "disk_experts"));
        Assert.Equal(
            ["uniform 0", "uniform 8192", "skewed 0", "skewed 8192", "given 0", "given 8192"],
            plan.GetProperty("decode").EnumerateArray().Select(one => $"{one.GetProperty("routing").GetString()} {Number(one, "depth")}"));
        Assert.All(plan.GetProperty("decode").EnumerateArray(), one => Assert.True(one.GetProperty("expected_tokens_per_second").GetDouble() > 0));
        Assert.Equal([false, true], plan.GetProperty("prefill").EnumerateArray().Select(one => one.GetProperty("warm").GetBoolean()));
        Assert.NotEmpty(plan.GetProperty("advice").EnumerateArray());
    }

    [Fact]
    public async Task Text_DescribedMachine_TellsAllTables()
    {
        var result = await Tool.RunAsync("plan", "-a", "r1", "--layers", "8", "--vram", "24GiB", "--ram", "64GiB", "--disk", "7GB/s", "--memory", "80GB/s", "--context", "4096", "--prompt", "1000");

        result.AssertSuccess();
        foreach (var text in new[]
        {
            "r1: 8 layers, 61.1 B parameters, 5.6 B of them for a token\n", "described: RTX 4090 24 GiB at 1008 GB/s", "RAM 64 GiB at 80.0 GB/s", "disk 7.00 GB/s\n", "RAM as given; the disk's speed as given; the memory's speed as given)",
            " precision ", " 22.72 MB ", " lies in ", " card ", " decode, tokens/s ", " uniform ", " skewed ", " after ", " 4096 ", " prefill, tokens/s ", " slots empty ", " 1000 ", "Context: 4096 tokens take ", "Disk: 31.63 GB for the store.",
            "What a change would bring", "a graphics card with twice the memory",
        })
            Assert.Contains(text, result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Text_UnknownDisk_IsSaidToBe()
    {
        var result = await Tool.RunAsync("plan", "-a", "r1", "--ram", "64GiB");

        result.AssertSuccess();
        Assert.Contains("no graphics card; RAM 64 GiB", result.Out, StringComparison.Ordinal);
        Assert.EndsWith("The disk's speed is not known, so speeds are not: give --disk 7GB/s, or --measure DIR.\n", result.Out, StringComparison.Ordinal);
        Assert.Contains(" unknown ", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Text_TooLittleMemory_SaysWhatIsMissing()
    {
        var none = await Tool.RunAsync("plan", "-a", "r1", "--ram", "8GB", "--disk", "7GB/s");
        var less = await Tool.RunAsync("plan", "-a", "r1", "--ram", "11GB", "--disk", "7GB/s", "--context", "163840");

        none.AssertSuccess();
        Assert.Matches(@"It does not fit: 2\.\d GiB of RAM are missing for the weights that every token uses, the cache and the experts of a layer\.\nNo context fits: give more RAM, or fewer --layers to try the machine\.\n$", none.Out);
        Assert.Matches(@"It does not fit: [\d.]+ GiB of RAM are missing .*\nA context of \d+ tokens fits\.\n$", less.Out);
    }

    [Fact]
    public async Task Json_TooLittleMemory_HasItsShortfall()
    {
        var result = await Tool.RunAsync("plan", "-a", "r1", "--ram", "8GB", "--disk", "7GB/s", "--json");

        var plan = Assert.Single(result.Objects);
        Assert.False(plan.GetProperty("fits").GetBoolean());
        Assert.True(plan.GetProperty("shortfall_bytes").GetInt64() > 2_000_000_000);
        Assert.Empty(plan.GetProperty("decode").EnumerateArray());
    }

    [Fact]
    public async Task Measure_Store_MeasuresThisMachine()
    {
        using var folder = new TemporaryFolder();
        var store = folder.File("store");
        (await Tool.RunAsync("synthesize", "-a", NanoConfig, "--layers", "3", store)).AssertSuccess();

        var result = await Tool.RunAsync("plan", "-a", NanoConfig, "--ram", "1GiB", "--vram", "1GiB", "--measure", store, "--threads", "1", "--json");

        result.AssertSuccess();
        var machine = Assert.Single(result.Objects).GetProperty("machine");
        Assert.All(["memory_gb_per_second", "kernel_share", "widen_share", "int16_gops", "arithmetic_share", "disk_gb_per_second"], name => Assert.True(machine.GetProperty(name).GetDouble() > 0, name));
        Assert.Equal(1L << 30, machine.GetProperty("ram_bytes").GetInt64());
        Assert.Matches("^measured now with 1 threads, the disk by .* of records of the store in .*; the card's size as given, its speeds an RTX 4090's; RAM as given$", machine.GetProperty("origin").GetString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ListMachines_Alone_ShowsThem(bool json)
    {
        var result = await Tool.RunAsync(["plan", "--list-machines", .. json ? ["--json"] : Array.Empty<string>()]);

        result.AssertSuccess();
        Assert.Contains("rtx4090-64gb", result.Out, StringComparison.Ordinal);
        if (json)
            Assert.All(result.Objects, machine => Assert.True(machine.GetProperty("ram_bytes").GetInt64() > 0));
        else
            Assert.Contains("cpu-24gb-2core: measured: ", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_MachineWithoutCard_HasNoDevice()
    {
        var result = await Tool.RunAsync("plan", "-a", "v2-lite", "--machine", "rtx4090-64gb", "--vram", "0", "--json");

        Assert.False(Assert.Single(result.Objects).GetProperty("machine").TryGetProperty("device", out _));
    }

    [Theory]
    [InlineData("", "--architecture is missing; it must name what is planned, such as r1. See deepseek plan --help.")]
    [InlineData("-a r2", "--architecture is 'r2'; it must be one of r1, v3, v2, v2-lite, kimi-k2, moonlight, or the path of a file like config.json.")]
    [InlineData("-a r1 --machine toaster", "--machine is 'toaster'; it must be one of rtx4090-64gb, rtx4090-192gb, rtx3090-64gb, cpu-64gb, laptop-32gb, cpu-24gb-2core, epyc-512gb.")]
    [InlineData("-a r1 --machine cpu-64gb --measure .", "--machine and --measure are both given; give one of them: a known machine's figures, or this one's.")]
    [InlineData("-a r1 --ram 8GiB --threads 2", "--threads is given, but nothing is measured; give it with --measure, or without --machine, --vram and --ram.")]
    [InlineData("-a r1 --disk 7", "--disk is '7'; it must be a speed above 0 with its unit, such as 7GB/s or 900MB/s.")]
    [InlineData("-a r1 --disk 7GB", "--disk is '7GB'; it must be a speed above 0 with its unit, such as 7GB/s or 900MB/s.")]
    [InlineData("-a r1 --disk 0GB/s", "--disk is '0GB/s'; it must be a speed above 0 with its unit, such as 7GB/s or 900MB/s.")]
    [InlineData("-a r1 --memory fast", "--memory is 'fast'; it must be a speed above 0 with its unit, such as 7GB/s or 900MB/s.")]
    [InlineData("-a r1 --ram 0", "--ram is '0'; it must be a size above 0 such as 64GiB, 24GB or a number of bytes.")]
    [InlineData("-a r1 --ram much", "--ram is 'much'; it must be a size above 0 such as 64GiB, 24GB or a number of bytes.")]
    [InlineData("-a r1 --vram -1", "--vram is '-1'; it must be a size such as 64GiB, 24GB or a number of bytes.")]
    [InlineData("-a r1 --layers 0", "--layers is '0'; it must be a whole number, 1 to 4096.")]
    [InlineData("-a r1 --context 0", "--context is '0'; it must be a whole number, 1 or more.")]
    [InlineData("-a r1 --prompt x", "--prompt is 'x'; it must be a whole number, 1 or more.")]
    [InlineData("-a r1 --hit-rate 60", "--hit-rate is 60; it must be 0 to 1.")]
    [InlineData("-a r1 --threads 0", "--threads is '0'; it must be a whole number, 1 to 256.")]
    public async Task WrongUsage_Anything_IsNamed(string options, string fragment)
    {
        var result = await Tool.RunAsync(["plan", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

        result.AssertFault(DeepseekTool.WrongUsage, fragment);
    }

    [Theory]
    [InlineData("-a r1 --layers 62", "PlanOptions: Layers is 62; it must be 1 to 61, the model's layers.")]
    [InlineData("-a r1 --context 200000", "PlanOptions: ContextTokens is 200000; it must be 1 to 163840, the positions that the model was made for.")]
    [InlineData("-a no/such/config.json", "There is no file no/such/config.json; check the path.")]
    [InlineData("-a r1 --measure no/such/folder", "There is no folder \"no/such/folder\"; it must be one on the disk that is to be measured, or a page store.")]
    public async Task Fault_OfModelOrDisk_IsNamed(string options, string fragment)
    {
        var result = await Tool.RunAsync(["plan", .. options.Split(' ')]);

        result.AssertFault(DeepseekTool.Fault, fragment);
    }

    private static int Number(JsonElement element, string name) => element.GetProperty(name).GetInt32();
}
