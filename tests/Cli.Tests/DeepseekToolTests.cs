namespace Deepseek.Cli.Tests;

/// <summary>What holds for every verb: help, wrong usage, faults.</summary>
public sealed class DeepseekToolTests
{
    public static TheoryData<string> Verbs => ["chat", "run", "serve", "inspect", "convert", "verify", "synthesize", "logits", "tokenize", "perplexity", "compare", "bench", "plan", "simulate", "completion"];

    [Theory, MemberData(nameof(Verbs))]
    public async Task RunAsync_HelpOfVerb_EndsWithExamples(string verb)
    {
        var result = await Tool.RunAsync(verb, "--help");

        result.AssertSuccess();
        Assert.Matches($"\nExamples:\n  .*deepseek {verb} ", result.Out);
        Assert.Equal(verb is not ("completion" or "serve"), result.Out.Contains("\n  --json ", StringComparison.Ordinal)); // a script is for a shell alone, and a server answers over HTTP
    }

    [Fact]
    public async Task RunAsync_HelpBesideWrongUsage_IsGranted()
    {
        var result = await Tool.RunAsync("logits", "--help", "--no-such-option");

        result.AssertSuccess();
        Assert.Contains("--ids-file", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_Help_NamesVerbsAndExitCodes()
    {
        var result = await Tool.RunAsync("--help");

        result.AssertSuccess();
        Assert.All(Verbs, verb => Assert.Contains($"  {verb.Data} ", result.Out, StringComparison.Ordinal));
        Assert.Contains("130 interrupted", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_Version_PrintsIt()
    {
        var result = await Tool.RunAsync("--version");

        result.AssertSuccess();
        Assert.Matches(@"^\d+\.\d+\.\d+", result.Out);
    }

    public static TheoryData<string, string> WrongUsage => new()
    {
        { "", "Required command was not provided." },
        { "sing", "'sing'" },
        { "run", "either --prompt TEXT or --batch FILE.jsonl" },
        { "run --prompt a --batch b", "either --prompt TEXT or --batch FILE.jsonl" },
        { "run --prompt a --prompt b", "--prompt" },
        { "run --prompt", "--prompt" },
        { "run --prompt a --frobnicate", "--frobnicate" },
        { "run --prompt a --model ", "--model is empty; it must be a path." },
        { "run --prompt a --stop ", "--stop is empty" },
        { "run --prompt a --seed", "--seed" },
        { "run --prompt a --seed 1.5", "--seed is '1.5'; it must be a whole number of 64 bits." },
        { "run --prompt a --temperature 0,5", "--temperature is '0,5'; it must be a number such as 0.5." },
        { "run --prompt a --temperature NaN", "--temperature is 'NaN'" },
        { "run --prompt a --temperature -1", "Temperature is -1; it must be 0 or more" },
        { "run --prompt a --top-p 1.5 --min-p 2", "TopP is 1.5" },
        { "run --prompt a --top-p 1.5 --min-p 2", "MinP is 2" },
        { "run --prompt a --top-k -1", "--top-k is '-1'; it must be a whole number, 0 or more." },
        { "run --prompt a --repetition-penalty 0", "RepetitionPenalty is 0" },
        { "run --prompt a --max-new 0", "--max-new is '0'; it must be a whole number, 1 or more." },
        { "run --prompt a --max-new 1,000", "--max-new is '1,000'" },
        { "run --prompt a --max-new 99999999999", "--max-new is '99999999999'" },
        { "run --prompt a --threads 0", "--threads is '0'; it must be a whole number, 1 to 256." },
        { "chat --temperature x", "--temperature is 'x'" },
        { "chat --temperature -1", "Temperature is -1" },
        { "inspect", "inspect" },
        { "logits --ids 1", "--out" },
        { "logits --out a", "either --ids 5,17,9 or --ids-file F.json" },
        { "logits --out a --ids 1 --ids-file b", "either --ids 5,17,9 or --ids-file F.json" },
        { "logits --out a --ids 1,,2", "--ids has ''" },
        { "logits --out a --ids 1;2", "--ids has '1;2'" },
        { "logits --out a --ids 1,-2", "--ids has '-2'" },
        { "logits --out a --ids 1 --sink 4", "--sink needs --window." },
        { "logits --out a --ids 1 --window 0", "--window is '0'; it must be a whole number, 1 or more." },
        { "logits --out a --ids 1 --window 2 --sink -1", "--sink is '-1'; it must be a whole number, 0 or more." },
        { "logits --out a --ids 1 --chunk 0", "--chunk is '0'; it must be a whole number, 1 to 65536." },
        { "logits --out a --ids 1 --backend abacus", "abacus" },
        { "tokenize", "one of --text TEXT, --lines FILE.jsonl and --messages FILE.json" },
        { "tokenize --text a --lines b", "one of --text TEXT, --lines FILE.jsonl and --messages FILE.json" },
        { "tokenize --text a --tools b", "need --messages" },
        { "tokenize --text a --no-generation-prompt", "need --messages" },
    };

    [Theory, MemberData(nameof(WrongUsage))]
    public async Task RunAsync_WrongUsage_SaysSoInOneLineAndExitsWith2(string line, string fragment)
    {
        var result = await Tool.RunAsync(Split(line));

        result.AssertFault(DeepseekTool.WrongUsage, fragment);
    }

    public static TheoryData<string, string> Faults => new()
    {
        { "run --prompt a --model no/such/folder", "There is no folder no/such/folder" },
        { "run --batch no/such/file", "There is no file no/such/file; check the path." },
        { "chat --model no/such/folder", "There is no folder no/such/folder" },
        { "chat --model {root}", "config.json" },
        { "inspect no/such/folder", "There is no folder no/such/folder" },
        { "inspect {root} --json", "config.json" },
        { "logits --ids 1 --out no/such/folder/a", "create it first" },
        { "logits --ids 1 --out {root}", "is a folder; name a file in it." },
        { "logits --ids-file {root} --out a", "is a folder; name a file." },
        { "tokenize --text a --model no/such/folder --json", "no/such/folder" },
        { "tokenize --lines no/such/file", "There is no file no/such/file; check the path." },
        { "tokenize --messages no/such/file", "There is no file no/such/file; check the path." },
    };

    [Theory, MemberData(nameof(Faults))]
    public async Task RunAsync_Fault_SaysSoInOneLineAndExitsWith1(string line, string fragment)
    {
        using TemporaryFolder folder = new();

        var result = await Tool.RunAsync(Split(line.Replace("{root}", folder.Path, StringComparison.Ordinal)));

        result.AssertFault(DeepseekTool.Fault, fragment);
    }

    [Theory]
    [InlineData("--verbose inspect no/such/folder")]
    [InlineData("inspect --verbose no/such/folder")]
    [InlineData("inspect no/such/folder --verbose")]
    public async Task RunAsync_Verbose_ShowsWhereTheFaultArose(string line)
    {
        var result = await Tool.RunAsync(Split(line));

        Assert.Equal(DeepseekTool.Fault, result.ExitCode);
        Assert.StartsWith("error: System.IO.DirectoryNotFoundException: There is no folder no/such/folder", result.Error, StringComparison.Ordinal);
        Assert.Contains("\n   at Deepseek.", result.Error, StringComparison.Ordinal);
        Assert.Equal("", result.Out);
    }

    [Theory]
    [InlineData("@no-such-file")]
    [InlineData("-mtp 5")]
    [InlineData("-1")]
    public async Task RunAsync_TextThatLooksLikeSyntax_IsText(string text)
    {
        var result = await Tool.RunAsync("tokenize", "--json", "--text", text);

        result.AssertSuccess();
        Assert.Equal(text, result.Objects.Single().GetProperty("decoded").GetString());
    }

    // A trailing space stands for an empty word.
    private static string[] Split(string line) => line.Length == 0 ? [] : line.Split(' ');
}
