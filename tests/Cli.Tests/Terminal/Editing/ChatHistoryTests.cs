using Deepseek.Cli.Terminal.Editing;

namespace Deepseek.Cli.Tests.Terminal.Editing;

public sealed class ChatHistoryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _warnings = [];

    private string File => _folder.File("state/chat-history");

    [Fact]
    public void Add_ThenOpen_RemembersTextsOfAnyKind()
    {
        string[] entries = ["one", "two\nlines \"and\" more", "日本 + 😀 \u001b"];
        var history = Open();
        foreach (var entry in entries)
            history.Add(entry);
        history.Add("");

        Assert.Equal(entries, Entries(Open()));
        Assert.Equal("\"one\"", System.IO.File.ReadLines(File).First());
        Assert.Empty(_warnings);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
    }

    [Fact]
    public void Add_TwoChatsAtOnce_KeepBoth()
    {
        var (first, second) = (Open(), Open());

        first.Add("a");
        second.Add("b");
        first.Add("c");

        Assert.Equal(["a", "b", "c"], Entries(Open()));
    }

    [Fact]
    public void Open_LinesThatAreNone_ArePassedOver()
    {
        Open().Add("a");
        System.IO.File.AppendAllText(File, "garbage\n\"cut short\nnull\n12\n\"b\"\n");

        Assert.Equal(["a", "b"], Entries(Open()));
    }

    [Fact]
    public void Open_ManyEntries_KeepsTheLast()
    {
        Open().Add("x");
        System.IO.File.WriteAllLines(File, Enumerable.Range(0, (2 * ChatHistory.Most) + 1).Select(i => $"\"{i}\""));

        Assert.Equal(ChatHistory.Most, Open().Count);
        Assert.Equal(ChatHistory.Most, System.IO.File.ReadLines(File).Count());
        Assert.Equal($"{2 * ChatHistory.Most}", Open()[ChatHistory.Most - 1]);
    }

    [Fact]
    public void Open_FileThatCannotBeUsed_SaysSoOnceAndGoesOn()
    {
        Directory.CreateDirectory(_folder.File("state"));
        System.IO.File.WriteAllText(_folder.File("state/file"), "");
        var history = ChatHistory.Open(_folder.File("state/file/chat-history"), _warnings.Add);

        history.Add("a");
        history.Add("b");

        Assert.Equal(["a", "b"], Entries(history));
        Assert.StartsWith($"note: the history of the chat is not kept: {_folder.File("state/file/chat-history")}: ", Assert.Single(_warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_HugeFile_IsNotRead()
    {
        Directory.CreateDirectory(_folder.File("state"));
        using (var file = System.IO.File.Create(File))
            file.SetLength(17 << 20);

        Assert.Empty(Entries(Open()));
        Assert.Contains("It has 17825792 bytes; at most 16777216 are read. Delete it.", Assert.Single(_warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void DefaultPath_Environment_Decides()
    {
        Assert.Equal(Path.Combine("/s", "deepseek-inference", "chat-history"), At(("XDG_STATE_HOME", "/s"), ("HOME", "/h")));
        Assert.Equal(Path.Combine("/h", ".local", "state", "deepseek-inference", "chat-history"), At(("XDG_STATE_HOME", "relative"), ("HOME", "/h")));
        Assert.Null(At(("HOME", "")));
        Assert.Equal(Path.Combine("/l", "deepseek-inference", "chat-history"), ChatHistory.DefaultPath(name => name == "LOCALAPPDATA" ? "/l" : null, isWindows: true));
    }

    public void Dispose() => _folder.Dispose();

    private ChatHistory Open() => ChatHistory.Open(File, _warnings.Add);

    private static string[] Entries(ChatHistory history) => [.. Enumerable.Range(0, history.Count).Select(i => history[i])];

    private static string? At(params (string Name, string Value)[] variables) =>
        ChatHistory.DefaultPath(name => variables.FirstOrDefault(variable => variable.Name == name).Value, isWindows: false);
}
