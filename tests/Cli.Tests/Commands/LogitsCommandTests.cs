using Deepseek.Inference.Golden.Tests;
using Deepseek.Inference.Tests;

namespace Deepseek.Cli.Tests.Commands;

/// <summary>Dumps of the fixture models against the values that transformers computed.</summary>
public sealed class LogitsCommandTests
{
    /// <summary>Both sides round fp32 sums in their own order; a wrong formula is off by percents.</summary>
    private const double Tolerance = 2e-4;

    [Theory]
    [InlineData("v3-mtp")]
    [InlineData("v2-lite")]
    public async Task Everything_FixtureModel_EqualsReference(string model)
    {
        using TemporaryFolder folder = new();
        using var golden = Open(model);
        var prediction = model == "v3-mtp";

        var result = await DumpAsync(model, golden, folder.File("all"), ["--hidden", "--experts", .. prediction ? ["--mtp"] : Array.Empty<string>()]);

        result.AssertSuccessWithNote();
        using Golden actual = new(folder.File("all"));
        List<string> names = ["logits", "hidden.0", "hidden.1", "hidden.2", "hidden.3", "experts.1", "experts.2"]; // layer 0 is dense
        if (prediction)
            names.Add("mtp.logits");
        Assert.Equal(names.Order(), actual.Names.Order());
        Assert.Equal([130, 256], actual.Shape("logits"));
        Assert.Equal([130, 64], actual.Shape("hidden.3"));
        Assert.Equal([130, 4], actual.Shape("experts.1"));
        foreach (var name in names.Where(name => !name.StartsWith("experts", StringComparison.Ordinal)))
            Golden.AssertClose(golden.Floats(Reference(name)), actual.Floats(name), Tolerance, $"{model} {name}");
        foreach (var name in names.Where(name => name.StartsWith("experts", StringComparison.Ordinal)))
            Assert.Equal(golden.Ids(Reference(name)), actual.Ids(name));
        if (prediction)
            Assert.Equal([129, 256], actual.Shape("mtp.logits"));

        // logits → logits.130, hidden.2 → hidden.130.2, mtp.logits → mtp.logits.130
        static string Reference(string name) => char.IsDigit(name[^1]) ? name.Replace(".", ".130.", StringComparison.Ordinal) : $"{name}.130";
    }

    [Theory]
    [InlineData("v3-mtp")]
    [InlineData("v2-lite")]
    public async Task Window_WholeAndInChunks_EqualsReference(string model)
    {
        using TemporaryFolder folder = new();
        using var golden = Open(model);

        await DumpAsync(model, golden, folder.File("whole"), "--window", "24", "--sink", "4");
        await DumpAsync(model, golden, folder.File("chunks"), "--window", "24", "--sink", "4", "--chunk", "33");

        using Golden whole = new(folder.File("whole")), chunks = new(folder.File("chunks"));
        Assert.Equal(["logits"], whole.Names);
        Golden.AssertClose(golden.Floats("window24_sink4.logits"), whole.Floats("logits"), Tolerance, "window");
        Golden.AssertClose(golden.Floats("window24_sink4.logits"), chunks.Floats("logits"), Tolerance, "window in chunks");
    }

    [Fact]
    public async Task Chunk_OfSeven_EqualsReference()
    {
        using TemporaryFolder folder = new();
        using var golden = Open("v3-mtp");

        await DumpAsync("v3-mtp", golden, folder.File("a"), "--chunk", "7", "--hidden", "--mtp");

        using Golden actual = new(folder.File("a"));
        foreach (var (name, reference) in new[] { ("logits", "logits.130"), ("hidden.3", "hidden.130.3"), ("mtp.logits", "mtp.logits.130") })
            Golden.AssertClose(golden.Floats(reference), actual.Floats(name), Tolerance, name);
    }

    [Fact]
    public async Task SameTokens_TwiceAndByFile_GiveTheSameBytes()
    {
        using TemporaryFolder folder = new();
        var model = Path.Combine(TestPaths.Fixtures, "v2-lite");
        var ids = folder.Write("ids.json", "[5, 17, 9]");
        string[] line = ["logits", "--model", model, "--hidden", "--experts", "--backend", "torch", "--threads", "1", "--json", "--out"];

        var first = await Tool.RunAsync([.. line, folder.File("first"), "--ids", "5, 17 ,9"]);
        folder.Write("second", "an old file");
        await Tool.RunAsync([.. line, folder.File("second"), "--ids-file", ids]);

        first.AssertSuccess();
        Assert.Equal(folder.File("first"), first.Objects.Single().GetProperty("out").GetString());
        Assert.Equal(3, first.Objects.Single().GetProperty("tokens").GetInt32());
        Assert.Equal(File.ReadAllBytes(folder.File("first")), File.ReadAllBytes(folder.File("second")));
        Assert.Equal(["first", "ids.json", "second"], Directory.EnumerateFiles(folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task TokenizerThatIsNotSupported_IsNotOpened()
    {
        using var folder = new TemporaryFolder().With(Path.Combine(TestPaths.Fixtures, "v2-lite"));
        folder.Write("tokenizer.json", "{\"model\": {\"type\": \"Unigram\"");

        var logits = await Tool.RunAsync("logits", "--model", folder.Path, "--ids", "1,2", "--out", folder.File("logits"));
        var tokenize = await Tool.RunAsync("tokenize", "--model", folder.Path, "--text", "a");

        logits.AssertSuccessWithNote();
        tokenize.AssertFault(DeepseekTool.Fault, "tokenizer.json");
    }

    [Theory]
    [InlineData("--ids 256", "Token 0 is 256; the vocabulary has 0 to 255.")]
    [InlineData("--ids 1,2 --mtp", "has no multi-token-prediction layer")]
    public async Task TokensThatCannotBe_WriteNothing(string line, string fragment)
    {
        using TemporaryFolder folder = new();

        var result = await Tool.RunAsync(["logits", "--model", Path.Combine(TestPaths.Fixtures, "v2-lite"), "--out", folder.File("a"), .. line.Split(' ')]);

        result.AssertFault(DeepseekTool.Fault, fragment);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData("{\"ids\": [1]}", "is an object; it must be an array of token ids.")]
    [InlineData("[1, \"2\"]", "element 1 is \"2\"; it must be a token id")]
    [InlineData("[]", "is empty")]
    [InlineData("[1,\n2", "is not valid JSON")]
    public async Task IdsFile_AtFault_IsNamed(string text, string fragment)
    {
        using TemporaryFolder folder = new();
        var file = folder.Write("ids.json", text);

        var result = await Tool.RunAsync("logits", "--ids-file", file, "--out", folder.File("a"));

        result.AssertFault(DeepseekTool.Fault, fragment);
        Assert.Contains(file, result.Error, StringComparison.Ordinal);
    }

    private static Golden Open(string model) => new(Path.Combine(TestPaths.Fixtures, model, "golden.safetensors"));

    private static Task<ToolResult> DumpAsync(string model, Golden golden, string path, params string[] more) =>
        Tool.RunAsync(["logits", "--model", Path.Combine(TestPaths.Fixtures, model), "--ids", string.Join(',', golden.Ids("ids.130")), "--out", path, .. more]);
}

file static class Results
{
    /// <summary>Without --json the note about the file goes to standard error.</summary>
    public static void AssertSuccessWithNote(this ToolResult result)
    {
        Assert.StartsWith("Wrote ", result.Error, StringComparison.Ordinal);
        Assert.Equal("", result.Out);
        Assert.Equal(DeepseekTool.Success, result.ExitCode);
    }
}
