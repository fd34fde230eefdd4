using System.Text.Json;
using Deepseek.Inference.Tests;

namespace Deepseek.Cli.Tests.Commands;

public sealed class BenchCommandTests
{
    private static readonly string[] Machine = ["memory_gb_per_second", "integer_gops", "fp32_gops", "load_seconds", "peak_memory_bytes"];
    private static readonly string[] Prefill = ["prefill_tokens_per_second", "prefill_tokens_per_second_min", "prefill_tokens_per_second_max", "prefill_peak_share"];
    private static readonly string[] Decode = ["decode_tokens_per_second", "decode_tokens_per_second_min", "decode_tokens_per_second_max"];
    private static readonly string[] DecodeBytes = ["decode_gb_per_token", "decode_bandwidth_share"];

    [Fact]
    public async Task Json_BothTests_HasEveryKey()
    {
        var root = await MeasureAsync("-p", "6", "-n", "2", "--repeat", "2", "--threads", "1", "--activations", "int8");

        AssertPositive(root, [.. Machine, .. Prefill, .. Decode, .. DecodeBytes]);
        Assert.Equal((TestPaths.Nano, 1, 1, 0), (root.GetProperty("model").GetString(), Number(root, "threads"), Number(root, "batch"), Number(root, "depth")));
        Assert.Equal((6, 2, 2), (Number(root, "prompt"), Number(root, "new"), Number(root, "repetitions")));
        var paths = root.GetProperty("paths");
        Assert.Matches("^(scalar|vector128|avx2|avx512|avx512vnni)$", paths.GetProperty("kernels").GetString());
        Assert.Matches("^(torch|cpu)$", paths.GetProperty("operations").GetString());
        Assert.Equal(("fp32", "fp32"), (paths.GetProperty("activations").GetString(), paths.GetProperty("cache").GetString())); // nano's weights are a checkpoint's
        Assert.True(root.GetProperty("prefill_tokens_per_second_min").GetDouble() <= root.GetProperty("prefill_tokens_per_second_max").GetDouble());
    }

    [Fact]
    public async Task Json_PrefillAlone_HasNoKeysOfDecoding()
    {
        var root = await MeasureAsync("-p", "3", "-n", "0", "--repeat", "1");

        AssertPositive(root, [.. Machine, .. Prefill]);
        AssertAbsent(root, [.. Decode, .. DecodeBytes]);
        Assert.Equal(Environment.ProcessorCount, Number(root, "threads"));
    }

    [Fact]
    public async Task Json_BatchAtADepth_HasNoKeysOfPrefill()
    {
        var root = await MeasureAsync("-p", "0", "-n", "1", "--batch", "3", "--depth", "5", "--cache", "bf16", "--repeat", "1");

        AssertPositive(root, [.. Machine, .. Decode]);
        AssertAbsent(root, Prefill);
        Assert.Equal((3, 5, "bf16"), (Number(root, "batch"), Number(root, "depth"), root.GetProperty("paths").GetProperty("cache").GetString()));
    }

    [Fact]
    public async Task Text_BothTests_IsATable()
    {
        var result = await Tool.RunAsync("bench", "--prompt-tokens", "3", "--new-tokens", "1", "--repeat", "1");

        result.AssertSuccess();
        Assert.Contains("prefill 3 ", result.Out, StringComparison.Ordinal);
        Assert.Contains("decode 1 ", result.Out, StringComparison.Ordinal);
        Assert.Contains("This machine: ", result.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-p -1", "-p is '-1'; it must be a whole number, 0 or more.")]
    [InlineData("-n x", "-n is 'x'; it must be a whole number, 0 or more.")]
    [InlineData("--depth -1", "--depth is '-1'; it must be a whole number, 0 or more.")]
    [InlineData("--batch 0", "--batch is '0'; it must be a whole number, 1 to 1024.")]
    [InlineData("--repeat 0", "--repeat is '0'; it must be a whole number, 1 to 1000.")]
    [InlineData("--threads 0", "--threads is '0'; it must be a whole number, 1 to 256.")]
    [InlineData("--activations int4", "--activations is 'int4'; it must be fp32, int16 or int8.")]
    [InlineData("--cache int8", "--cache is 'int8'; it must be fp32, bf16, fp16 or int16.")]
    [InlineData("-p 0 -n 0", "-p and -n are both 0; one of them must be 1 or more, since nothing would be timed.")]
    public async Task WrongUsage_Anything_IsNamed(string options, string fragment)
    {
        var result = await Tool.RunAsync(["bench", .. options.Split(' ')]);

        result.AssertFault(DeepseekTool.WrongUsage, fragment);
    }

    [Theory]
    [InlineData("-p 2049", "PromptTokens is 2049; it must be 0 to 2048, the positions that the model was made for.")]
    [InlineData("-n 2000 --depth 49", "Depth is 49 and NewTokens 2000; together they must be at most 2048, the positions that the model was made for. With so many new tokens a depth of 48 fits.")]
    [InlineData("--model no/such/folder", "There is no folder no/such/folder")]
    public async Task Fault_OfTheModel_IsNamed(string options, string fragment)
    {
        var result = await Tool.RunAsync(["bench", .. options.Split(' ')]);

        result.AssertFault(DeepseekTool.Fault, fragment);
    }

    [Fact]
    public async Task Interrupt_WhileItTimes_ExitsWith130()
    {
        using Interrupts interrupts = new();
        using StringReader input = new("");
        using StringWriter output = new(), error = new() { NewLine = "\n" };
        using var raising = new Raising(error, interrupts);

        var code = await DeepseekTool.RunAsync(
            ["bench", "-p", "2048", "-n", "2048", "--repeat", "1000"], new ToolConsole(input, output, raising) { IsInteractive = false, HasColour = true, IsWatched = false, Interrupts = interrupts });

        Assert.Equal(DeepseekTool.Interrupted, code);
        Assert.EndsWith("error: interrupted.\n", error.ToString(), StringComparison.Ordinal);
        Assert.Equal("", output.ToString());
    }

    [Theory]
    [InlineData("run --prompt a")]
    [InlineData("chat")]
    [InlineData("perplexity --text a")]
    [InlineData("compare a b --text a")]
    [InlineData("logits --ids 1 --out a")]
    public async Task Activations_OfEveryVerbThatLoadsAModel_AreChecked(string line)
    {
        var wrong = await Tool.RunAsync([.. line.Split(' '), "--activations", "INT8"]);
        var threads = await Tool.RunAsync([.. line.Split(' '), "--threads", "0"]);

        wrong.AssertFault(DeepseekTool.WrongUsage, "--activations is 'INT8'; it must be fp32, int16 or int8.");
        threads.AssertFault(DeepseekTool.WrongUsage, "--threads is '0'; it must be a whole number, 1 to 256.");
    }

    private static async Task<JsonElement> MeasureAsync(params string[] options)
    {
        var result = await Tool.RunAsync(["bench", "--model", TestPaths.Nano, "--json", .. options]);

        result.AssertSuccess();
        return Assert.Single(result.Objects);
    }

    private static int Number(JsonElement root, string name) => root.GetProperty(name).GetInt32();

    private static void AssertPositive(JsonElement root, string[] names) => Assert.All(names, name => Assert.True(root.GetProperty(name).GetDouble() > 0, name));

    private static void AssertAbsent(JsonElement root, string[] names) => Assert.All(names, name => Assert.False(root.TryGetProperty(name, out _), name));

    /// <summary>Asks the tool to end as soon as it says that it times something.</summary>
    private sealed class Raising(TextWriter inner, Interrupts interrupts) : StringWriter
    {
        public override void Write(string? value)
        {
            if (!interrupts.Token.IsCancellationRequested)
                interrupts.Raise(DeepseekTool.Interrupted);
        }

        public override Task WriteLineAsync(string? value) => inner.WriteLineAsync(value);
    }
}
