using System.Text;
using Deepseek.Inference.Tests;

namespace Deepseek.Cli.Tests;

/// <summary>What only a process of its own shows: streams, signals, pipes, the system's settings.</summary>
public sealed class ToolProcessTests
{
    [Fact]
    public async Task Chat_EndOfInput_EndsWithoutEscapeSequences()
    {
        var result = await ToolProcess.RunAsync("What is 1 + 2?\nWhat is 5 + 6?"u8.ToArray(), "chat", "--temperature", "0");

        result.AssertSuccess();
        Assert.Equal("1 + 2 = 3\n5 + 6 = 11\n", result.Out);
    }

    [Fact]
    public async Task Chat_InputThatIsNotUtf8_IsAnsweredAllTheSame()
    {
        var result = await ToolProcess.RunAsync([0xFF, 0xFE, .. "2 + \u0007\0?\n"u8], "chat", "--json", "--max-new", "3");

        result.AssertSuccess();
        Assert.Single(result.Objects);
    }

    [Fact]
    public async Task Run_GermanSystem_WritesAndReadsTheSameNumbers()
    {
        var settings = new Dictionary<string, string> { ["LANG"] = "de_DE.UTF-8", ["LC_ALL"] = "de_DE.UTF-8", ["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "0" };

        var run = await ToolProcess.RunAsync(settings, "run", "--prompt", "What is 1 + 2?", "--json", "--temperature", "0.5", "--top-k", "1");
        var wrong = await ToolProcess.RunAsync(settings, "run", "--prompt", "a", "--temperature", "0,5");

        run.AssertSuccess();
        Assert.Equal("1 + 2 = 3", run.Objects.Single().GetProperty("text").GetString());
        Assert.Matches("\"decode_ms\":[0-9]+\\.[0-9]+,", run.Out);
        wrong.AssertFault(DeepseekTool.WrongUsage, "--temperature is '0,5'");
    }

    [Fact]
    public async Task Fault_GoesToStandardErrorAlone()
    {
        var result = await ToolProcess.RunAsync([], "run", "--prompt", "a", "--json", "--model", "no/such/folder");

        result.AssertFault(DeepseekTool.Fault, "There is no folder no/such/folder");
    }

    [Fact]
    public async Task Chat_InterruptedWhileItWaitsForInput_ExitsWith130()
    {
        ToolProcess.RequireInterrupts();
        using var tool = ToolProcess.Start("chat", "--temperature", "0");
        await tool.Input.WriteLineAsync("What is 1 + 2?");
        await tool.Input.FlushAsync(TestContext.Current.CancellationToken);
        await tool.ReadUntilAsync("\n");

        tool.Interrupt();

        // Input stays open until the tool has gone: it must not be what ended it.
        Assert.Equal("", await tool.Output.ReadToEndAsync(TestContext.Current.CancellationToken));
        var result = await tool.FinishAsync();
        result.AssertFault(DeepseekTool.Interrupted, "interrupted.");
    }

    [Fact]
    public async Task Chat_InterruptedWithSave_KeepsTheConversation()
    {
        ToolProcess.RequireInterrupts();
        using TemporaryFolder folder = new();
        using (var tool = ToolProcess.Start("chat", "--temperature", "0", "--save", folder.File("talk")))
        {
            await tool.Input.WriteLineAsync("What is 1 + 2?");
            await tool.Input.FlushAsync(TestContext.Current.CancellationToken);
            await tool.ReadUntilAsync("\n");
            tool.Interrupt();
            await tool.Output.ReadToEndAsync(TestContext.Current.CancellationToken);
            (await tool.FinishAsync()).AssertFault(DeepseekTool.Interrupted, "interrupted.");
        }

        var next = await ToolProcess.RunAsync("What is 5 + 6?"u8.ToArray(), "chat", "--json", "--temperature", "0", "--load", folder.File("talk"));

        next.AssertSuccess();
        Assert.True(next.Objects.Single().GetProperty("usage").GetProperty("cached_tokens").GetInt32() > 0);
    }

    [Fact]
    public async Task Run_InterruptedWhileItGenerates_ExitsWith130()
    {
        ToolProcess.RequireInterrupts();
        using var endless = AlteredNano.WithoutEnd();
        using var tool = ToolProcess.Start("run", "--model", endless.Folder, "--raw", "--prompt", "It was", "--temperature", "1");
        await tool.ReadUntilAsync(" ");

        tool.Interrupt();

        var rest = await tool.Output.ReadToEndAsync(TestContext.Current.CancellationToken);
        var result = await tool.FinishAsync();
        result.AssertFault(DeepseekTool.Interrupted, "interrupted.");
        Assert.True(rest.Length < 2000, "It went on generating.");
    }

    [Theory]
    [InlineData("deepseek run --prompt 'What is 1 + 2?' | head -n 0")]
    [InlineData("{ deepseek run --prompt 'What is 1 + 2?' --json; echo $? >&2; } | true")]
    [InlineData("yes 'What is 1 + 2?' 2> /dev/null | deepseek chat --temperature 0 | head -n 1")]
    public async Task ClosedPipe_EndsQuietly(string script)
    {
        using var shell = ToolProcess.StartShell(script);

        var result = await shell.FinishAsync();

        Assert.Equal(script.Contains("$?", StringComparison.Ordinal) ? "0\n" : "", result.Error);
    }

    [Fact]
    public async Task FullDisk_IsAFault()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no /dev/full.");
        using var shell = ToolProcess.StartShell("deepseek tokenize --text abc > /dev/full");

        var result = await shell.FinishAsync();

        result.AssertFault(DeepseekTool.Fault, "No space left on device");
    }

    [Fact]
    public async Task OutputToAFile_IsAppended()
    {
        using TemporaryFolder folder = new();
        using var shell = ToolProcess.StartShell($"{{ echo first; deepseek tokenize --text 5; deepseek nonsense; echo last; }} > '{folder.File("log")}' 2>&1");

        var result = await shell.FinishAsync();

        Assert.Equal("", result.Error);
        var lines = await File.ReadAllLinesAsync(folder.File("log"), Encoding.UTF8, TestContext.Current.CancellationToken);
        Assert.Equal(4, lines.Length);
        Assert.Equal(("first", "27", "last"), (lines[0], lines[1], lines[3]));
        Assert.StartsWith("error: ", lines[2], StringComparison.Ordinal);
    }
}
