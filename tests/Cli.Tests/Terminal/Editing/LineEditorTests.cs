using Deepseek.Cli.Terminal.Editing;

namespace Deepseek.Cli.Tests.Terminal.Editing;

public sealed class LineEditorTests : IDisposable
{
    private readonly FakeKeys _keys = new();
    private readonly StringWriter _output = new();
    private readonly LineEditor _editor;

    public LineEditorTests() => _editor = new LineEditor(_output, _keys, ChatHistory.Open(null, _ => { }));

    [Fact]
    public async Task ReadAsync_TypedLine_IsShownAndReturned()
    {
        _keys.Type("What?\r");

        Assert.Equal("What?", await ReadAsync());
        Assert.StartsWith("\u001b[?2004h", _output.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("> What?\r\u001b[7C\u001b[?2004l\r\n", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_EditingKeys_ChangeTheLine()
    {
        _keys.Type("bd").Press(ConsoleKey.LeftArrow).Type("c").Press(ConsoleKey.Home).Type("a").Press(ConsoleKey.End).Type("ex").Press(ConsoleKey.Backspace)
            .Control(ConsoleKey.A, ConsoleKey.D, ConsoleKey.E).Type(" one two").Control(ConsoleKey.W).Alt(ConsoleKey.B).Control(ConsoleKey.K).Type("\r");

        Assert.Equal("bcde ", await ReadAsync());
    }

    [Fact]
    public async Task ReadAsync_UpAndDown_GoThroughWhatWasEntered()
    {
        _editor.Remember("first");
        _editor.Remember("second");
        _editor.Remember("second"); // twice in a row counts once
        _keys.Type("third").Press(ConsoleKey.UpArrow, ConsoleKey.UpArrow, ConsoleKey.UpArrow).Type("!\r");
        Assert.Equal("first!", await ReadAsync());

        _keys.Type("third").Press(ConsoleKey.UpArrow, ConsoleKey.UpArrow).Control(ConsoleKey.N).Press(ConsoleKey.DownArrow, ConsoleKey.DownArrow).Type("\r");
        Assert.Equal("third", await ReadAsync());
    }

    [Fact]
    public async Task ReadAsync_PastedLines_AreOneText()
    {
        _keys.Type("a\u001b[200~b\r\tc\u0007\n\u001b[201~d\r").Type("next\r");

        Assert.Equal("ab\n\tc\nd", await ReadAsync());
        Assert.Equal("next", await ReadAsync());
    }

    [Fact]
    public async Task ReadAsync_UnknownSequence_IsPassedOver()
    {
        _keys.Type("a\u001b[15;2~b\r");

        Assert.Equal("ab", await ReadAsync());
    }

    [Fact]
    public async Task ReadAsync_SurrogatesOneByOne_MakeACharacter()
    {
        _keys.Type("😀😀").Press(ConsoleKey.Backspace).Type("\r");

        Assert.Equal("😀", await ReadAsync());
    }

    [Fact]
    public async Task ReadAsync_CtrlD_EndsInputWhereTheLineIsEmpty()
    {
        _keys.Type("ab").Press(ConsoleKey.LeftArrow).Control(ConsoleKey.D).Type("\r").Control(ConsoleKey.D);

        Assert.Equal("a", await ReadAsync());
        Assert.Null(await ReadAsync());
    }

    [Fact]
    public async Task ReadAsync_Cancelled_LeavesTheKeyToTheNextCall()
    {
        using CancellationTokenSource cancellation = new();
        var waiting = _editor.ReadAsync("> ", cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);

        _keys.Type("a\r");

        Assert.Equal("a", await ReadAsync());
        Assert.Contains("\u001b[?2004l\r\n", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_CtrlL_DrawsOnAnEmptyScreen()
    {
        _keys.Type("a").Control(ConsoleKey.L).Type("b\r");

        Assert.Equal("ab", await ReadAsync());
        Assert.Contains("\u001b[H\u001b[2J", _output.ToString(), StringComparison.Ordinal);
    }

    public void Dispose() => _keys.Dispose();

    private Task<string?> ReadAsync() => _editor.ReadAsync("> ", TestContext.Current.CancellationToken);
}
