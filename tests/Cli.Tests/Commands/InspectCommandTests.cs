using System.Globalization;
using Deepseek.Inference.Tests;

namespace Deepseek.Cli.Tests.Commands;

public sealed class InspectCommandTests
{
    private static readonly string V2Lite = Path.Combine(TestPaths.Fixtures, "v2-lite");

    [Fact]
    public async Task Json_Nano_TellsArchitectureSizesAndPrecisions()
    {
        var result = await Tool.RunAsync("inspect", TestPaths.Nano, "--json");

        result.AssertSuccess();
        var model = Assert.Single(result.Objects);
        Assert.Equal("DeepseekV3", model.GetProperty("architecture").GetString());
        Assert.Equal((6, 2048, 16, 4), (Number("layers"), Number("vocabulary_size"), Number("routed_experts"), Number("chosen_experts")));
        Assert.Equal("fp8", model.GetProperty("quantization").GetString());
        Assert.Equal(3, Number("files"));
        const long Copies = 2 * 2048 * 256; // of embedding and head, which a prediction layer carries
        Assert.InRange(Number("parameters") + Number("prediction_parameters") - Copies, 12_945_000, 12_955_000); // its card says 12.95 M
        Assert.InRange(Number("active_parameters"), 1, Number("parameters"));

        var classes = model.GetProperty("classes").EnumerateArray().ToList();
        Assert.Equal("F8_E4M3", classes.Single(entry => entry.GetProperty("class").GetString() == "routed-experts").GetProperty("precision").GetString());
        Assert.Equal(Number("parameters") + Number("prediction_parameters"), classes.Where(entry => entry.GetProperty("class").GetString() != "scales").Sum(entry => entry.GetProperty("parameters").GetInt64()));
        Assert.Equal(Number("bytes"), classes.Sum(entry => entry.GetProperty("bytes").GetInt64()));

        long Number(string name) => model.GetProperty(name).GetInt64();
    }

    [Fact]
    public async Task Json_DenseModel_HasNoExperts()
    {
        var result = await Tool.RunAsync("inspect", "--json", Path.Combine(TestPaths.Fixtures, "distill-qwen2"));

        result.AssertSuccess();
        Assert.Equal(0, result.Objects.Single().GetProperty("routed_experts").GetInt32());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, result.Objects.Single().GetProperty("quantization").ValueKind);
    }

    [Fact]
    public async Task Plain_AnyCulture_IsWrittenTheSame()
    {
        var expected = await Tool.RunAsync("inspect", V2Lite);
        var commas = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        commas.NumberFormat.NumberDecimalSeparator = ",";
        commas.NumberFormat.NumberGroupSeparator = ".";
        CultureInfo.CurrentCulture = commas;

        var actual = await Tool.RunAsync("inspect", V2Lite);

        expected.AssertSuccess();
        Assert.Equal(expected, actual);
        Assert.StartsWith("DeepseekV2, 3 layers, hidden 64, vocabulary 256, ", expected.Out, StringComparison.Ordinal);
        Assert.Matches(@"routed-experts +BF16 +\d+ +\d+,\d{3} +\d+,\d{3}", expected.Out);
        Assert.DoesNotContain('\u001b', expected.Out);
    }
}
