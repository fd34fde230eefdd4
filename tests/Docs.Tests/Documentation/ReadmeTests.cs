using Deepseek.Inference.Docs.Tests.Support;
using Deepseek.Inference.Tests;

namespace Deepseek.Inference.Docs.Tests.Documentation;

/// <summary>The first two blocks of README.md are commands for whoever has just cloned the repository: try it, test it.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public void Readme_FirstTwoBlocks_AreOneLineShellCommands()
    {
        var commands = Commands();

        Assert.Equal(2, commands.Count);
        Assert.All(commands, fence =>
        {
            Assert.Contains(fence.Language, new[] { "sh", "bash", "shell", "console" });
            Assert.NotEmpty(fence.Text);
            Assert.DoesNotContain('\n', fence.Text);
            Assert.False(fence.Text.StartsWith('$'), "A prompt sign cannot be pasted.");
        });
    }

    [Fact]
    public async Task Readme_FirstCommand_AnswersAPipedQuestion()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The command is written for a POSIX shell.");
        var command = Commands()[0].Text;

        var result = await Command.RunAsync("bash", TestPaths.RepositoryRoot, "What is 123 + 456?\n", "-c", command);

        Assert.Contains("579", result.RequireSuccess().Output, StringComparison.Ordinal);
    }

    private static List<MarkdownFence> Commands()
    {
        Assert.SkipUnless(RepositoryFiles.Text.Contains("README.md"), "README.md does not exist.");
        return [.. MarkdownFence.Parse("README.md", RepositoryFiles.Read("README.md")).Take(2)];
    }
}
