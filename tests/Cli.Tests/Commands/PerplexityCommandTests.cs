using System.Text.Json;
using Deepseek.Inference.Tests;

namespace Deepseek.Cli.Tests.Commands;

/// <summary>The verbs <c>perplexity</c> and <c>compare</c>.</summary>
public sealed class PerplexityCommandTests
{
    private static readonly string Text = Path.Combine(TestPaths.Nano, "held-out-tasks.txt");

    [Fact]
    public async Task Perplexity_FirstTokens_WritesOneObject()
    {
        var result = await Tool.RunAsync("perplexity", "--text", Text, "--max-tokens", "1024", "--json");

        result.AssertSuccess();
        using var document = JsonDocument.Parse(result.Out);
        Assert.Equal(1024, document.RootElement.GetProperty("tokens").GetInt32());
        Assert.InRange(document.RootElement.GetProperty("perplexity").GetDouble(), 1.5, 3.5); // 2.263 over the whole file
    }

    [Fact]
    public async Task Compare_ModelWithItself_FindsNoDifference()
    {
        var result = await Tool.RunAsync("compare", TestPaths.Nano, TestPaths.Nano, "--text", Text, "--max-tokens", "200");

        result.AssertSuccess();
        Assert.StartsWith("KL divergence 0 nats, same best token 100.00 %, perplexity ", result.Out, StringComparison.Ordinal);
        Assert.EndsWith("(ratio 1) over 200 tokens\n", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Compare_OtherVocabulary_IsAFault()
    {
        var result = await Tool.RunAsync("compare", TestPaths.Nano, Path.Combine(TestPaths.Fixtures, "v2"), "--text", Text, "--max-tokens", "10");

        Assert.Equal(1, result.ExitCode);
        Assert.Equal("error: The vocabularies have 2048 and 256 tokens; models can be compared token by token only where they are the same.\n", result.Error);
    }

    [Fact]
    public async Task Perplexity_MissingText_NamesTheFile()
    {
        var result = await Tool.RunAsync("perplexity", "--text", "no-such-file.txt");

        Assert.Equal(1, result.ExitCode);
        Assert.Equal("error: There is no file no-such-file.txt; check the path.\n", result.Error);
    }
}
