using System.Text.RegularExpressions;

namespace Deepseek.Cli.Tests.Terminal;

/// <summary>Commands of a chat, as somebody types them.</summary>
public sealed class ChatCommandsTests
{
    private const string Question = "What is 1 + 2?";
    private const string Answer = "1 + 2 + 0 = 3, write 3, carry 0\n\n1 + 2 = 3\n";

    [Fact]
    public async Task Help_ShowsEveryCommandOnStandardErrorAlone()
    {
        var (output, error) = await TalkAsync("/help");

        Assert.Equal("", output);
        Assert.All(["/help ", "/save FILE ", "/load FILE ", "/reset ", "/system TEXT ", "/stats ", "/exit "], name => Assert.Contains($"\n  {name}", error.Replace("> ", "\n", StringComparison.Ordinal), StringComparison.Ordinal));
        Assert.Contains("A question that begins with a slash is written with two: //.", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exit_EndsTheChatBeforeWhatFollows() => Assert.Equal("", (await TalkAsync($"/exit\n{Question}")).Output);

    [Theory]
    [InlineData("/halp", "'/halp' is no command; /help shows them. A question that begins with a slash is written with two.")]
    [InlineData("/", "'/' is no command; /help shows them. A question that begins with a slash is written with two.")]
    [InlineData("/save", "/save needs its FILE: /save FILE writes the conversation and its cache to a file.")]
    [InlineData("/system  ", "/system needs its TEXT: /system TEXT begins anew with other instructions.")]
    [InlineData("/reset now", "/reset takes nothing, and 'now' was given.")]
    [InlineData("/load no/such/file", "There is no file no/such/file; check the path.")]
    [InlineData("/save no/such/folder/a", "create it first.")]
    public async Task Command_AtFault_SaysSoAndTheChatGoesOn(string command, string message)
    {
        var (output, error) = await TalkAsync($"{command}\n{Question}");

        Assert.Contains("> error: ", error, StringComparison.Ordinal);
        Assert.Contains(message + "\n> ", error, StringComparison.Ordinal);
        Assert.Equal(Answer, output);
    }

    [Fact]
    public async Task TwoSlashesOrABlock_AreAQuestion()
    {
        var (_, error) = await TalkAsync("//exit\n\"\"\"\n/exit\n\"\"\"\n/stats");

        Assert.Matches(@"conversation  \d+ of 2048 tokens, 4 messages", error);
        Assert.DoesNotContain("error:", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stats_AfterAReply_ShowTokensTimesAndMemory()
    {
        var (_, error) = await TalkAsync($"/stats\n{Question}\nWhat is 5 + 6?\n/stats");

        Assert.Matches(@"> +conversation  0 of 2048 tokens, 0 messages\n +cache         0 tokens, 0 B\n> ", error);
        Assert.Matches(
            @"conversation  \d+ of 2048 tokens, 4 messages\n +cache         \d+ tokens, \d+(\.\d)? KiB\n +last prompt   \d+ tokens, [1-9]\d* of them cached\n +first token   after \d+ ms\n +last reply    \d+ tokens, \d+\.\d tokens/s\n> ",
            error);
    }

    [Fact]
    public async Task SaveAndLoad_GoOnWithTheConversation()
    {
        using TemporaryFolder folder = new();
        var (_, saved) = await TalkAsync($"{Question}\n/save {folder.File("a b")}");

        var (output, error) = await TalkAsync($"/load {folder.File("a b")}\n/stats\nWhat is 5 + 6?\n/stats\n/reset\n/stats");

        Assert.Matches($@"\(2 messages saved to {Regex.Escape(folder.File("a b"))}, \d+(\.\d)? KiB\)", saved);
        Assert.Matches(@"> \(2 messages, \d+ tokens; the conversation goes on.\)\n> +conversation  \d+ of 2048 tokens, 2 messages\n", error);
        Assert.Matches(@"2048 tokens, 4 messages\n(.*\n)* +last prompt   \d+ tokens, [1-9]\d* of them cached\n", error);
        Assert.Matches(@"> \(The conversation begins anew.\)\n> +conversation  \d+ of 2048 tokens, 0 messages\n", error);
        Assert.EndsWith("5 + 6 = 11\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task System_BeginsAnewWithInstructionsThatResetKeeps()
    {
        var (_, error) = await TalkAsync($"{Question}\n/system Be brief.\n/stats\n{Question}\n/reset\n/stats");

        Assert.Contains("(The conversation begins anew with these instructions.)\n>   conversation  0 of 2048 tokens, 1 messages", error, StringComparison.Ordinal);
        Assert.Matches(@"anew\.\)\n> +conversation  [1-9]\d* of 2048 tokens, 1 messages", error);
    }

    [Fact]
    public async Task Load_AnotherModelsFile_IsRefusedAndTheConversationStays()
    {
        using TemporaryFolder folder = new();
        folder.Write("a", "nothing of the kind");

        var (_, error) = await TalkAsync($"{Question}\n/load {folder.File("a")}\n/stats");

        Assert.Contains($"error: {folder.File("a")}: it begins with \"nothing \"; a saved conversation begins with \"DSEQCHAT\".", error, StringComparison.Ordinal);
        Assert.Contains("2048 tokens, 2 messages", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Talk_SaveOption_WritesAtTheEnd()
    {
        using TemporaryFolder folder = new();

        var (_, error) = await TalkAsync(Question, "--save", folder.File("chat"));
        var (output, _) = await TalkAsync("/stats\nWhat is 5 + 6?", "--load", folder.File("chat"), "--save", folder.File("chat"));

        Assert.Contains("(2 messages saved to ", error, StringComparison.Ordinal);
        Assert.EndsWith("5 + 6 = 11\n", output, StringComparison.Ordinal);
        Assert.Contains("2048 tokens, 4 messages", (await TalkAsync("/stats", "--load", folder.File("chat"))).Error, StringComparison.Ordinal);
    }

    private static async Task<(string Output, string Error)> TalkAsync(string input, params string[] args)
    {
        using StringReader reader = new(input);
        using StringWriter output = new() { NewLine = "\n" }, error = new() { NewLine = "\n" };
        var exitCode = await DeepseekTool.RunAsync(["chat", "--temperature", "0", .. args], new ToolConsole(reader, output, error) { IsInteractive = true, HasColour = false });
        Assert.Equal(DeepseekTool.Success, exitCode);
        return (output.ToString(), error.ToString());
    }
}
