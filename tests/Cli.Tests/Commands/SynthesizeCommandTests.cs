using Deepseek.Inference.Configuration;
using Deepseek.Inference.Models;
using Deepseek.Inference.Tests;

namespace Deepseek.Cli.Tests.Commands;

public sealed class SynthesizeCommandTests
{
    private static readonly string NanoConfig = Path.Combine(TestPaths.Nano, "config.json");

    [Fact]
    public async Task FileOfAConfiguration_Layers_WritesAStoreThatLoads()
    {
        using var folder = new TemporaryFolder();
        var store = folder.File("store");

        var result = await Tool.RunAsync("synthesize", "--architecture", NanoConfig, "--layers", "2", "--skew", "0.5", "--json", store);

        result.AssertSuccess();
        var summary = Assert.Single(result.Objects);
        Assert.Equal((store, true), (summary.GetProperty("folder").GetString(), summary.GetProperty("written").GetBoolean()));
        Assert.Equal(2, summary.GetProperty("files").GetInt32());
        using var model = await LanguageModel.LoadAsync(store, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((2, 0), (model.Config.LayerCount, model.Config.MultiTokenPredictionLayers));
    }

    [Fact]
    public async Task FinishedStore_SameCommand_IsChecked()
    {
        using var folder = new TemporaryFolder();
        string[] line = ["synthesize", "-a", NanoConfig, "--layers", "1", "--mtp", "--seed", "-3", "--threads", "2", folder.File("store")];
        var first = await Tool.RunAsync(line);

        var second = await Tool.RunAsync(line);

        first.AssertSuccess();
        Assert.Equal(first, second);
        Assert.EndsWith(" an expert, complete.\n", first.Out, StringComparison.Ordinal);
        Assert.Contains("prediction ", first.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("r1", 337_414)]
    [InlineData("R1", 337_414)]
    public async Task DryRun_NameInAnyCase_TellsSizesAndWritesNothing(string name, int experts)
    {
        using var folder = new TemporaryFolder();

        var result = await Tool.RunAsync("synthesize", "--architecture", name, "--dry-run", "--json", folder.File("store"));

        result.AssertSuccess();
        var summary = Assert.Single(result.Objects);
        Assert.False(summary.GetProperty("written").GetBoolean());
        Assert.Equal(22_724_608, summary.GetProperty("expert_bytes").GetInt64());
        Assert.Equal(experts, summary.GetProperty("classes").EnumerateArray().Single(one => one.GetProperty("part").GetString() == "experts").GetProperty("bytes").GetInt64() / 1_000_000);
        Assert.False(Directory.Exists(folder.File("store")));
    }

    [Fact]
    public async Task DryRun_RecalledShape_IsSaidToBe()
    {
        var result = await Tool.RunAsync("synthesize", "--architecture", "Moonlight", "--dry-run", "store");

        Assert.Equal((0, "note: the shape of Moonlight is recalled, not read from its published file.\n"), (result.ExitCode, result.Error));
        Assert.EndsWith("an expert; nothing was written.\n", result.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("r2", "--architecture is 'r2'; it must be one of r1, v3, v2, v2-lite, kimi-k2, moonlight, or the path of a file like config.json.")]
    [InlineData("r1 --skew 2.5", "--skew is 2.5; it must be 0 to 2.")]
    [InlineData("r1 --skew NaN", "--skew")]
    [InlineData("r1 --layers 0", "--layers is '0'; it must be a whole number, 1 to 4096.")]
    [InlineData("r1 --seed x", "--seed is 'x'; it must be a whole number of 64 bits.")]
    public async Task WrongUsage_Anything_IsNamed(string options, string fragment)
    {
        var result = await Tool.RunAsync(["synthesize", "store", "--dry-run", "--architecture", .. options.Split(' ')]);

        result.AssertFault(DeepseekTool.WrongUsage, fragment);
    }

    [Theory]
    [InlineData("r1 --layers 62", "SyntheticOptions: Layers is 62; it must be 1 to 61, the model's layers.")]
    [InlineData("v2-lite --mtp", "MultiTokenPrediction is true; it must be false, since the model has no multi-token-prediction layer.")]
    [InlineData("no/such/config.json", "There is no file no/such/config.json; check the path.")]
    public async Task Fault_OfTheModel_IsNamed(string options, string fragment)
    {
        var result = await Tool.RunAsync(["synthesize", "store", "--dry-run", "--architecture", .. options.Split(' ')]);

        result.AssertFault(DeepseekTool.Fault, fragment);
    }

    [Fact]
    public async Task Fault_FileThatIsNoConfiguration_IsNamed()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("shape.json", """{"architectures": ["DeepseekV3ForCausalLM"]}""");

        var result = await Tool.RunAsync("synthesize", "--architecture", file, "--dry-run", folder.File("store"));

        result.AssertFault(DeepseekTool.Fault, "vocab_size");
        Assert.Contains(file, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Architecture_Missing_IsWrongUsage()
    {
        var result = await Tool.RunAsync("synthesize", "store");

        result.AssertFault(DeepseekTool.WrongUsage, "--architecture");
    }

    [Fact]
    public void KnownModels_Names_AreNoFiles()
    {
        // A name with a dot or a slash would be taken for a file.
        Assert.All(KnownModels.Names, name => Assert.DoesNotContain(name, character => character is '.' or '/' or '\\'));
    }
}
