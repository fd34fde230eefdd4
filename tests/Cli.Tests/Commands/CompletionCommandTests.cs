namespace Deepseek.Cli.Tests.Commands;

public sealed class CompletionCommandTests
{
    // What bash does when the tab key is pressed behind a line.
    private const string Press = """
        source <(deepseek completion bash)
        press() {
            COMP_LINE=$1 COMP_POINT=${#1} COMPREPLY=()
            read -r -a COMP_WORDS <<< "$1"
            [[ $1 == *' ' ]] && COMP_WORDS+=("")
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _deepseek
            echo "${COMPREPLY[*]}"
        }
        """;

    [Theory]
    [InlineData("bash", "complete -o default -F _deepseek deepseek")]
    [InlineData("zsh", "compdef _deepseek deepseek")]
    [InlineData("fish", "complete --command deepseek")]
    [InlineData("powershell", "Register-ArgumentCompleter -Native -CommandName deepseek")]
    public async Task Shell_Known_GetsItsScript(string shell, string fragment)
    {
        var result = await Tool.RunAsync("completion", shell);

        result.AssertSuccess();
        Assert.Contains(fragment, result.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("completion csh", "The shell is 'csh'; it must be bash, zsh, fish or powershell.")]
    [InlineData("completion", "Required argument 'SHELL' missing")]
    public async Task Shell_UnknownOrNone_IsWrongUsage(string line, string message)
    {
        var result = await Tool.RunAsync(line.Split(' '));

        result.AssertFault(DeepseekTool.WrongUsage, message);
    }

    [Theory]
    [InlineData("deepseek ch", "chat")]
    [InlineData("deepseek c", "chat compare completion convert")]
    [InlineData("deepseek chat --evi", "--eviction")]
    [InlineData("deepseek chat --eviction ", "least-stale lfu lru slru")]
    [InlineData("deepseek chat --eviction l", "least-stale lfu lru")]
    [InlineData("deepseek chat --system 日本 --eviction ls", "")]
    [InlineData("deepseek convert --experts nf4-", "nf4-reference nf4-searched")]
    [InlineData("deepseek completion f", "fish")]
    [InlineData("deepseek plan --machine rtx3090-6", "rtx3090-64gb")]
    [InlineData("deepseek synthesize --architecture r", "r1")]
    [InlineData("deepseek chat --model ./", "")] // bash then completes files
    public async Task Bash_SourcedScript_CompletesWords(string line, string expected)
    {
        Assert.SkipUnless(File.Exists("/bin/bash"), "There is no bash.");
        using var shell = ToolProcess.StartShell($"{Press}\npress '{line}'", "/bin/bash");

        var result = await shell.FinishAsync();

        Assert.Equal($"{expected}\n", result.Out);
        Assert.Equal("", result.Error);
    }

    [Fact]
    public async Task Fish_SourcedScript_CompletesWords()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/fish"), "There is no fish.");
        using TemporaryFolder home = new();
        using var shell = ToolProcess.StartShell(
            "cd \"$HOME\"; deepseek completion fish > \"$HOME/c.fish\"\n"
            + $"fish --no-config -c \"function deepseek; dotnet '{ToolProcess.Assembly}' \\$argv; end; source '$HOME/c.fish'; complete -C 'deepseek chat --eviction slr'; complete -C 'deepseek verif'\"",
            home: home.Path);

        var result = await shell.FinishAsync();

        Assert.Equal(["slru", "verify"], result.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Zsh_Script_IsSound()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/zsh"), "There is no zsh.");
        using var shell = ToolProcess.StartShell("deepseek completion zsh | zsh -fn");

        var result = await shell.FinishAsync();

        Assert.Equal((0, "", ""), (result.ExitCode, result.Out, result.Error));
    }
}
