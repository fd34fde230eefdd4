using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Deepseek.Cli.Tests.Terminal;

public sealed class InteractiveChatTests
{
    private const string Question = "What is 1 + 2?";
    private const string Faint = "\u001b[2m";

    [Fact]
    public async Task RunAsync_WithoutColour_ShowsThinkingAnswerAndSpeed()
    {
        var (exitCode, output, error) = await TalkAsync($"\n{Question}\n", hasColour: false, (_, _) => { });

        Assert.Equal(DeepseekTool.Success, exitCode);
        Assert.Equal("1 + 2 + 0 = 3, write 3, carry 0\n\n1 + 2 = 3\n", output);
        Assert.StartsWith("Ask away.", error, StringComparison.Ordinal);
        Assert.Matches(@"> > \d+ tokens, \d+\.\d tokens/s, first after \d+ ms\n> \n$", error);
    }

    [Fact]
    public async Task RunAsync_WithColour_HasAHeadingAndFaintThinking()
    {
        var (exitCode, output, error) = await TalkAsync(Question, hasColour: true, (_, _) => { });

        Assert.Equal(DeepseekTool.Success, exitCode);
        Assert.Contains("── deepseek-nano ──", output, StringComparison.Ordinal);
        Assert.Contains($"{Faint}1 + 2 + 0 = 3", output, StringComparison.Ordinal);
        Assert.EndsWith("\u001b[0m\n\n1 + 2 = 3\u001b[0m\n", output, StringComparison.Ordinal);
        Assert.Contains($"{Faint}29 tokens, ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_CtrlCWithinAReply_StopsItAndKeepsTheChat()
    {
        var raised = false;
        var (exitCode, output, error) = await TalkAsync($"{Question}\n{Question}\n", hasColour: false, (text, interrupts) =>
        {
            if (raised || !text.Contains("+ 0", StringComparison.Ordinal))
                return;
            raised = true;
            interrupts.Raise(DeepseekTool.Interrupted);
        });

        Assert.Equal(DeepseekTool.Success, exitCode);
        Assert.True(raised);
        Assert.Contains("\n(stopped)\n> ", error, StringComparison.Ordinal);
        Assert.EndsWith("1 + 2 = 3\n", output, StringComparison.Ordinal); // the second reply is whole
        Assert.Single(error.Split('\n'), line => line.Contains("tokens/s", StringComparison.Ordinal));
    }

    [Fact]
    public async Task RunAsync_QuestionThatIsTooLong_IsRefusedAndTheChatGoesOn()
    {
        var (exitCode, output, error) = await TalkAsync($"{new string('x', 20_000)}\n{Question}\n", hasColour: false, (_, _) => { });

        Assert.Equal(DeepseekTool.Success, exitCode);
        Assert.Contains("> error: The prompt brings the text to ", error, StringComparison.Ordinal);
        Assert.EndsWith("1 + 2 = 3\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_JsonAtATerminal_WritesObjectsAlone()
    {
        using StringReader input = new(Question);
        using StringWriter output = new(), error = new();

        await DeepseekTool.RunAsync(["chat", "--json", "--temperature", "0"], new ToolConsole(input, output, error) { IsInteractive = true, HasColour = true });

        new ToolResult(0, output.ToString(), error.ToString()).AssertSuccess();
        Assert.StartsWith("{\"text\":\"1 + 2 = 3\",", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_InATerminal_AnswersAndEndsWithCtrlD()
    {
        using var tool = ToolProcess.StartInTerminal("chat --temperature 0");
        await tool.ReadUntilAsync("> ");
        await tool.Input.WriteAsync($"{Question}\n");
        await tool.Input.FlushAsync(TestContext.Current.CancellationToken);

        var reply = await tool.ReadUntilAsync("tokens/s");
        await tool.Input.WriteAsync("\u0004");
        var result = await tool.FinishAsync();

        Assert.Contains("1 + 2 = 3", reply, StringComparison.Ordinal);
        Assert.DoesNotContain("error:", result.Out, StringComparison.Ordinal);
        Assert.Equal(DeepseekTool.Success, result.ExitCode);
    }

    [Fact]
    public async Task Chat_CtrlCInATerminal_StopsTheReplyAndThenTheChat()
    {
        ToolProcess.RequireInterrupts();
        using var tool = ToolProcess.StartInTerminal("chat --temperature 0");
        await tool.ReadUntilAsync("> ");
        await tool.Input.WriteAsync("What is 987654 * 7?\n");
        await tool.Input.FlushAsync(TestContext.Current.CancellationToken);
        await tool.ReadUntilAsync(Faint);

        await tool.Input.WriteAsync("\u0003");
        await tool.Input.FlushAsync(TestContext.Current.CancellationToken);
        var reply = await tool.ReadUntilAsync("> ");
        await tool.Input.WriteAsync("\u0003");
        await tool.Input.FlushAsync(TestContext.Current.CancellationToken);
        await tool.ReadUntilAsync("error: interrupted.");
        var result = await tool.FinishAsync();

        Assert.Contains("(stopped)", reply, StringComparison.Ordinal);
        Assert.DoesNotContain("tokens/s", reply, StringComparison.Ordinal);
        Assert.Equal(DeepseekTool.Interrupted, result.ExitCode);
    }

    [Fact]
    public async Task Chat_EditingInATerminal_ChangesTheLineAndRemembersIt()
    {
        using TemporaryFolder state = new();
        using (var first = ToolProcess.StartInTerminal("chat --temperature 0", state.Path))
        {
            await first.ReadUntilAsync("> ");
            await first.Input.WriteAsync("What is 1 + 3?\u001b[D\u007f2\r"); // the 3 becomes a 2
            await first.Input.FlushAsync(TestContext.Current.CancellationToken);
            Assert.Contains("1 + 2 = 3", await first.ReadUntilAsync("tokens/s"), StringComparison.Ordinal);
            await first.Input.WriteAsync("\u0004");
            Assert.Equal(DeepseekTool.Success, (await first.FinishAsync()).ExitCode);
        }

        using var second = ToolProcess.StartInTerminal("chat --temperature 0 --no-history", state.Path);
        using var third = ToolProcess.StartInTerminal("chat --temperature 0", state.Path);
        await third.ReadUntilAsync("> ");
        await third.Input.WriteAsync("\u001b[A\r"); // up
        await third.Input.FlushAsync(TestContext.Current.CancellationToken);
        Assert.Contains("1 + 2 = 3", await third.ReadUntilAsync("tokens/s"), StringComparison.Ordinal);
        await third.Input.WriteAsync("\u0004");
        await third.FinishAsync();
        await second.ReadUntilAsync("> ");
        await second.Input.WriteAsync("\u001b[A\u0004"); // nothing is called back, and the line is empty still
        Assert.Equal(DeepseekTool.Success, (await second.FinishAsync()).ExitCode);
        Assert.Equal("\"What is 1 + 2?\"", Assert.Single(await File.ReadAllLinesAsync(state.File("deepseek-inference/chat-history"), TestContext.Current.CancellationToken)));
    }

    [Fact]
    public async Task Chat_PasteInATerminal_IsOneQuestion()
    {
        using var tool = ToolProcess.StartInTerminal("chat --temperature 0");
        await tool.ReadUntilAsync("> ");
        await tool.Input.WriteAsync("\u001b[200~What is\r1 + 2?\u001b[201~");
        await tool.Input.FlushAsync(TestContext.Current.CancellationToken);
        await tool.ReadUntilAsync("1 + 2?");
        await tool.Input.WriteAsync("\r");
        await tool.Input.FlushAsync(TestContext.Current.CancellationToken);

        await tool.ReadUntilAsync("tokens/s");
        await tool.Input.WriteAsync("/stats\r");
        await tool.Input.FlushAsync(TestContext.Current.CancellationToken);
        var stats = await tool.ReadUntilAsync("last reply");
        await tool.Input.WriteAsync("/exit\r");
        var result = await tool.FinishAsync();

        Assert.Contains(" 2 messages", stats, StringComparison.Ordinal);
        Assert.Equal(DeepseekTool.Success, result.ExitCode);
    }

    private static async Task<(int ExitCode, string Output, string Error)> TalkAsync(string input, bool hasColour, Action<string, Interrupts> onOutput)
    {
        using Interrupts interrupts = new();
        using StringReader reader = new(input);
        using WatchedWriter output = new(text => onOutput(text, interrupts));
        using StringWriter error = new() { NewLine = "\n" };
        ToolConsole console = new(reader, output, error) { IsInteractive = true, HasColour = hasColour, Interrupts = interrupts };
        var exitCode = await DeepseekTool.RunAsync(["chat", "--temperature", "0"], console);
        return (exitCode, output.ToString(), error.ToString());
    }

    /// <summary>Tells what has been written so far.</summary>
    private sealed class WatchedWriter(Action<string> onWrite) : TextWriter
    {
        private readonly StringBuilder _text = new();

        public override Encoding Encoding => Encoding.UTF8;

        [AllowNull]
        public override string NewLine { get; set; } = "\n";

        public override void Write(char value) => _text.Append(value);

        public override async Task WriteAsync(string? value)
        {
            _text.Append(value);
            await Task.Yield();
            onWrite(_text.ToString());
        }

        public override Task WriteLineAsync(string? value) => WriteAsync(value + NewLine);

        public override string ToString() => _text.ToString();
    }
}
