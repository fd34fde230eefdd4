using Deepseek.Inference.Tests;

namespace Deepseek.Cli.Tests.Commands;

public sealed class ChatCommandTests
{
    [Fact]
    public async Task PipedLines_AreOneConversation()
    {
        var result = await Tool.RunAsync("\n  What is 1 + 2?\n   \nWhat is 5 + 6?", ["chat", "--json", "--temperature", "0"]);

        result.AssertSuccess();
        Assert.Equal(["1 + 2 = 3", "5 + 6 = 11"], result.Objects.Select(reply => reply.GetProperty("text").GetString()));
        var (first, second) = (result.Objects[0].GetProperty("usage"), result.Objects[1].GetProperty("usage"));
        Assert.Equal(0, first.GetProperty("cached_tokens").GetInt32());
        Assert.True(second.GetProperty("cached_tokens").GetInt32() > 0, "The second question does not continue the first.");
        Assert.True(second.GetProperty("prompt_tokens").GetInt32() > first.GetProperty("prompt_tokens").GetInt32(), "The second prompt lacks the first question.");
    }

    [Fact]
    public async Task PipedLines_Plain_AreAnsweredALineEachWithoutReasoning()
    {
        var result = await Tool.RunAsync("What is 1 + 2?\nWhat is 5 + 6?\n", ["chat", "--temperature", "0", "--system", "Be brief."]);

        result.AssertSuccess();
        Assert.Equal("1 + 2 = 3\n5 + 6 = 11\n", result.Out);
    }

    [Fact]
    public async Task NoInput_EndsAtOnce()
    {
        var result = await Tool.RunAsync("", ["chat"]);

        result.AssertSuccess();
        Assert.Equal("", result.Out);
    }

    [Fact]
    public async Task LineThatOutgrowsTheContext_IsAFault()
    {
        var result = await Tool.RunAsync(new string('x', 300_000), ["chat"]);

        result.AssertFault(DeepseekTool.Fault, "the context holds 2048");
    }

    [Fact]
    public async Task StoreWithoutTokenizer_IsRefusedBeforeItsWeightsAreRead()
    {
        using TemporaryFolder folder = new();
        (await Tool.RunAsync("convert", Path.Combine(TestPaths.Fixtures, "v3-fp32"), folder.Path, "--json")).AssertSuccess();

        var result = await Tool.RunAsync("", ["chat", "--model", folder.Path]);

        result.AssertFault(DeepseekTool.Fault, "tokenizer.json: the file is missing; text needs it.");
    }

    [Fact]
    public async Task SaveThenLoad_PipedLines_AreOneConversation()
    {
        using TemporaryFolder folder = new();

        (await Tool.RunAsync("What is 1 + 2?", ["chat", "--temperature", "0", "--save", folder.File("talk")])).AssertSuccess();
        var result = await Tool.RunAsync("/stats\nWhat is 5 + 6?", ["chat", "--json", "--temperature", "0", "--load", folder.File("talk")]);

        result.AssertSuccess();
        Assert.Equal(2, result.Objects.Count); // from a pipe a line with a slash is a question as any other
        Assert.Equal("5 + 6 = 11", result.Objects[1].GetProperty("text").GetString());
        Assert.True(result.Objects[0].GetProperty("usage").GetProperty("cached_tokens").GetInt32() > 0, "The saved conversation was read anew.");
    }

    [Fact]
    public async Task Save_LineAtFault_KeepsWhatWasSaidBefore()
    {
        using TemporaryFolder folder = new();

        var result = await Tool.RunAsync($"What is 1 + 2?\n{new string('x', 300_000)}", ["chat", "--temperature", "0", "--save", folder.File("talk")]);
        var next = await Tool.RunAsync("What is 5 + 6?", ["chat", "--json", "--temperature", "0", "--load", folder.File("talk")]);

        Assert.Equal(DeepseekTool.Fault, result.ExitCode);
        Assert.True(next.Objects.Single().GetProperty("usage").GetProperty("cached_tokens").GetInt32() > 0);
    }

    [Fact]
    public async Task Load_AnotherModel_IsAFault()
    {
        using TemporaryFolder folder = new(), store = new();
        (await Tool.RunAsync("What is 1 + 2?", ["chat", "--temperature", "0", "--save", folder.File("talk")])).AssertSuccess();
        (await Tool.RunAsync("convert", TestPaths.Nano, store.Path, "--json")).AssertSuccess();

        var result = await Tool.RunAsync("", ["chat", "--model", store.Path, "--load", folder.File("talk")]);

        result.AssertFault(DeepseekTool.Fault, $"{folder.File("talk")}: the cache is of the model ");
    }

    [Fact]
    public async Task LoadOrSave_AtFault_IsSaidBeforeTheModelIsLoaded()
    {
        using TemporaryFolder folder = new();

        (await Tool.RunAsync("chat", "--load", "no/such/file", "--model", "no/such/folder")).AssertFault(DeepseekTool.Fault, "There is no file no/such/file; check the path.");
        (await Tool.RunAsync("chat", "--save", folder.Path, "--model", "no/such/folder")).AssertFault(DeepseekTool.Fault, "is a folder; name a file in it.");
        (await Tool.RunAsync("chat", "--load", "a", "--system", "b")).AssertFault(DeepseekTool.WrongUsage, "--load brings the instructions that the conversation was saved with; leave --system out.");
        (await Tool.RunAsync("chat", "--load", folder.Path)).AssertFault(DeepseekTool.Fault, "is a folder; name the file of a saved conversation.");
    }
}
