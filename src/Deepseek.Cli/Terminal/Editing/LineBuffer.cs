using System.Globalization;

namespace Deepseek.Cli.Terminal.Editing;

/// <summary>A text that is being edited, and the cursor in it. Both move by what a reader takes for a character, whatever it is made of.</summary>
internal sealed class LineBuffer
{
    public string Text { get; private set; } = "";

    /// <summary>Where the next character goes, 0 to the text's length.</summary>
    public int Cursor { get; private set; }

    public void Set(string text) => (Text, Cursor) = (text, text.Length);

    public void Insert(string text)
    {
        Text = Text.Insert(Cursor, text);
        Cursor += text.Length;
    }

    public void Left() => Cursor = Before();

    public void Right() => Cursor = After();

    public void Home() => Cursor = LineStart();

    public void End() => Cursor = LineEnd();

    public void WordLeft() => Cursor = WordBefore();

    public void WordRight()
    {
        while (Cursor < Text.Length && char.IsWhiteSpace(Text[Cursor]))
            Cursor++;
        while (Cursor < Text.Length && !char.IsWhiteSpace(Text[Cursor]))
            Cursor++;
    }

    public void Backspace() => Remove(Before(), Cursor);

    public void Delete() => Remove(Cursor, After());

    public void DeleteWord() => Remove(WordBefore(), Cursor);

    public void DeleteToStart() => Remove(LineStart(), Cursor);

    public void DeleteToEnd() => Remove(Cursor, LineEnd());

    private void Remove(int from, int to)
    {
        Text = Text.Remove(from, to - from);
        Cursor = from;
    }

    private int After() => Cursor + StringInfo.GetNextTextElementLength(Text.AsSpan(Cursor));

    private int Before()
    {
        var (at, before) = (0, 0);
        while (at < Cursor)
        {
            before = at;
            at += StringInfo.GetNextTextElementLength(Text.AsSpan(at));
        }

        return before;
    }

    private int WordBefore()
    {
        var at = Cursor;
        while (at > 0 && char.IsWhiteSpace(Text[at - 1]))
            at--;
        while (at > 0 && !char.IsWhiteSpace(Text[at - 1]))
            at--;
        return at;
    }

    private int LineStart() => Cursor == 0 ? 0 : Text.LastIndexOf('\n', Cursor - 1) + 1;

    private int LineEnd() => Text.IndexOf('\n', Cursor) is >= 0 and var end ? end : Text.Length;
}
