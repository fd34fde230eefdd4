using System.Globalization;
using System.Text;
using Spectre.Console;

namespace Deepseek.Cli.Terminal.Editing;

/// <summary>Draws a text that is being edited, over as many rows as it takes.</summary>
/// <remarks>Rows end before the terminal's last cell: what terminals do beyond that one differs.</remarks>
internal sealed class LineView(TextWriter output)
{
    private const int UsualColumns = 80;
    private const int UsualRows = 24;

    private int _row; // of those that are shown, the cursor's

    /// <summary>Draws anew.</summary>
    public void Draw(string prompt, LineBuffer buffer, (int Columns, int Rows) size)
    {
        var (columns, height) = (size.Columns > 2 ? size.Columns : UsualColumns, size.Rows > 1 ? size.Rows : UsualRows);
        var (rows, row, column) = Lay(prompt, buffer, columns - 1);
        var first = Math.Max(0, Math.Min(row, rows.Count - height)); // a text higher than the window is shown from the cursor's row at the latest
        var shown = rows.Skip(first).Take(height).ToArray();

        var drawing = new StringBuilder();
        Up(drawing, _row).Append("\r\u001b[J").AppendJoin("\r\n", shown);
        Up(drawing, shown.Length - 1 - (row - first)).Append('\r');
        if (column > 0)
            drawing.Append(CultureInfo.InvariantCulture, $"\u001b[{column}C");
        output.Write(drawing.ToString());
        output.Flush();
        _row = row - first;
    }

    /// <summary>Begins again below what was drawn, or on an empty screen.</summary>
    public void Begin(bool clear = false)
    {
        output.Write(clear ? "\u001b[H\u001b[2J" : "");
        _row = 0;
    }

    private static StringBuilder Up(StringBuilder drawing, int rows) =>
        rows > 0 ? drawing.Append(CultureInfo.InvariantCulture, $"\u001b[{rows}A") : drawing;

    private static (List<string> Rows, int Row, int Column) Lay(string prompt, LineBuffer buffer, int columns)
    {
        List<string> rows = [];
        var (line, width) = (new StringBuilder(prompt), prompt.GetCellWidth());
        var (row, column) = (0, width);
        for (var at = 0; at <= buffer.Text.Length;)
        {
            var length = at < buffer.Text.Length ? StringInfo.GetNextTextElementLength(buffer.Text.AsSpan(at)) : 1;
            var element = at < buffer.Text.Length ? buffer.Text.Substring(at, length) : "";
            var (isBreak, shown) = (element == "\n", Shown(element));
            var cells = shown.GetCellWidth();
            if (width + cells > columns)
                Break();
            if (at <= buffer.Cursor)
                (row, column) = (rows.Count, width);
            if (isBreak)
                Break();
            else
                line.Append(shown);
            width += cells;
            at += length;
        }

        rows.Add(line.ToString());
        return (rows, row, column);

        void Break()
        {
            rows.Add(line.ToString());
            line.Clear();
            width = 0;
        }
    }

    /// <summary>What stands for a character: a pasted text must not steer the terminal either.</summary>
    private static string Shown(string element) => element switch
    {
        "" or "\n" => "",
        "\t" => "    ",
        _ when element.Any(char.IsControl) => "?",
        _ => element,
    };
}
