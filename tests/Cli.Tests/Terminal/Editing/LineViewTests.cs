using Deepseek.Cli.Terminal.Editing;

namespace Deepseek.Cli.Tests.Terminal.Editing;

public sealed class LineViewTests : IDisposable
{
    private const string Clear = "\r\u001b[J";

    private readonly StringWriter _output = new();
    private readonly LineView _view;

    public LineViewTests() => _view = new LineView(_output);

    [Fact]
    public void Draw_ShortText_PutsTheCursorBehindIt() => Assert.Equal($"{Clear}> abc\r\u001b[5C", Drawn("abc", 3));

    [Fact]
    public void Draw_CursorInTheMiddle_GoesBackToIt() => Assert.Equal($"{Clear}> abc\r\u001b[3C", Drawn("abc", 1));

    [Fact]
    public void Draw_LongText_BreaksBeforeTheLastCell() =>
        Assert.Equal($"{Clear}> abcdefg\r\nhij\r\u001b[3C", Drawn("abcdefghij", 10)); // ten columns

    [Fact]
    public void Draw_WideCharacters_CountTwoCells() =>
        Assert.Equal($"{Clear}> 日本語\r\n日\r\u001b[2C", Drawn("日本語日", 4));

    [Fact]
    public void Draw_AgainFromALaterRow_BeginsAtTheFirst()
    {
        Drawn("abcdefghij", 10);

        Assert.Equal($"\u001b[1A{Clear}> abc\r\u001b[5C", Drawn("abc", 3));
    }

    [Fact]
    public void Draw_CursorInAnEarlierRow_GoesUpToIt() =>
        Assert.Equal($"{Clear}> a\r\nb\r\nc\u001b[1A\r\u001b[1C", Drawn("a\nb\nc", 3));

    [Fact]
    public void Draw_ControlCharacters_DoNotSteer() => Assert.Equal($"{Clear}> ?[2J    x\r\u001b[11C", Drawn("\u001b[2J\tx", 6, columns: 40));

    [Fact]
    public void Draw_HigherThanTheWindow_ShowsTheRowsAroundTheCursor()
    {
        Assert.Equal($"{Clear}3\r\n4\r\n5\r\u001b[1C", Drawn("1\n2\n3\n4\n5", 9, rows: 3));
        Assert.Equal($"\u001b[2A{Clear}> 1\r\n2\r\n3\u001b[2A\r\u001b[2C", Drawn("1\n2\n3\n4\n5", 0, rows: 3));
    }

    [Fact]
    public void Draw_UnknownSize_TakesTheUsual() => Assert.Equal($"{Clear}> {new string('a', 77)}\r\na\r\u001b[1C", Drawn(new string('a', 78), 78, columns: 0, rows: 0));

    [Fact]
    public void Begin_Clear_EmptiesTheScreen()
    {
        Drawn("a\nb", 3);
        _view.Begin(clear: true);

        Assert.Equal("\u001b[H\u001b[2J", _output.ToString()[^7..]);
        Assert.StartsWith(Clear, Drawn("a", 1), StringComparison.Ordinal);
    }

    public void Dispose() => _output.Dispose();

    private string Drawn(string text, int cursor, int columns = 10, int rows = 24)
    {
        _output.GetStringBuilder().Clear();
        _view.Draw("> ", LineBufferTests.At(text, cursor), (columns, rows));
        return _output.ToString();
    }
}
