using Deepseek.Cli.Terminal.Editing;

namespace Deepseek.Cli.Tests.Terminal.Editing;

public sealed class LineBufferTests
{
    private const string Family = "👨‍👩‍👧"; // eight UTF-16 units, one character to a reader
    private const string Accented = "e\u0301";

    [Fact]
    public void Insert_InTheMiddle_MovesTheCursorBehindIt()
    {
        var buffer = At("ad", 1);

        buffer.Insert("bc");

        Assert.Equal(("abcd", 3), (buffer.Text, buffer.Cursor));
    }

    [Theory]
    [InlineData("a" + Family)]
    [InlineData("a" + Accented)]
    [InlineData("aé")]
    public void Backspace_CharacterOfManyParts_RemovesAllOfIt(string text)
    {
        var buffer = At(text, text.Length);

        buffer.Backspace();

        Assert.Equal(("a", 1), (buffer.Text, buffer.Cursor));
    }

    [Fact]
    public void LeftAndRight_AtTheEnds_Stay()
    {
        var buffer = At(Family, Family.Length);

        buffer.Right();
        Assert.Equal(Family.Length, buffer.Cursor);
        buffer.Left();
        Assert.Equal(0, buffer.Cursor);
        buffer.Left();
        buffer.Backspace();
        Assert.Equal((Family, 0), (buffer.Text, buffer.Cursor));
        buffer.Delete();
        buffer.Delete();
        Assert.Equal("", buffer.Text);
    }

    [Fact]
    public void HomeAndEnd_OfSeveralLines_AreTheLinesOwn()
    {
        var buffer = At("one\ntwo\nthree", 5);

        buffer.Home();
        Assert.Equal(4, buffer.Cursor);
        buffer.End();
        Assert.Equal(7, buffer.Cursor);
        buffer.Home();
        buffer.Home();
        Assert.Equal(4, buffer.Cursor);
        buffer.DeleteToEnd();
        Assert.Equal("one\n\nthree", buffer.Text);
    }

    [Fact]
    public void DeleteToStart_ThenWord_TakeWhatIsBeforeTheCursor()
    {
        var buffer = At("one two  three", 9);

        buffer.DeleteWord();
        Assert.Equal(("one three", 4), (buffer.Text, buffer.Cursor));
        buffer.DeleteToStart();
        Assert.Equal(("three", 0), (buffer.Text, buffer.Cursor));
    }

    [Fact]
    public void WordLeftAndRight_Blanks_ArePassed()
    {
        var buffer = At("one  two ", 9);

        buffer.WordLeft();
        Assert.Equal(5, buffer.Cursor);
        buffer.WordLeft();
        Assert.Equal(0, buffer.Cursor);
        buffer.WordRight();
        buffer.WordRight();
        Assert.Equal(8, buffer.Cursor);
        buffer.WordRight();
        Assert.Equal(9, buffer.Cursor);
    }

    internal static LineBuffer At(string text, int cursor)
    {
        LineBuffer buffer = new();
        buffer.Set(text[cursor..]);
        buffer.Home();
        while (buffer.Cursor > 0)
            buffer.Left();
        buffer.Insert(text[..cursor]);
        return buffer;
    }
}
