namespace Deepseek.Cli.Terminal.Editing;

/// <summary>Edits a line in a terminal, with a history. Text that is pasted is one text, however many lines it has.</summary>
/// <remarks>Ctrl-C is no key here: it arrives as the signal that it always is.</remarks>
internal sealed class LineEditor(TextWriter output, IKeySource keys, ChatHistory history) : ILineSource
{
    // The terminal then says where pasted text begins and ends (xterm's bracketed paste).
    private const string PasteOn = "\u001b[?2004h";
    private const string PasteOff = "\u001b[?2004l";
    private const string PasteBegin = "[200~";
    private const string PasteEnd = "[201~";
    private const int LongestSequence = 16;

    private readonly LineBuffer _buffer = new();
    private readonly LineView _view = new(output);
    private Task<ConsoleKeyInfo>? _key;
    private bool _pasting;
    private int _place; // in the history; its count is the line that is being entered
    private string _entered = "";

    public void Remember(string text) => history.Add(text);

    public async Task<string?> ReadAsync(string prompt, CancellationToken cancellationToken)
    {
        _buffer.Set("");
        (_pasting, _place, _entered) = (false, history.Count, "");
        _view.Begin();
        await output.WriteAsync(PasteOn).ConfigureAwait(false);
        try
        {
            while (true)
            {
                if (!keys.HasMore)
                    _view.Draw(prompt, _buffer, keys.Size);
                var key = await ReadKeyAsync(cancellationToken).ConfigureAwait(false);
                if (IsEnter(key) && !_pasting && (key.Modifiers & ConsoleModifiers.Alt) == 0)
                    return _buffer.Text;
                if (IsControl(key, ConsoleKey.D) && _buffer.Text.Length == 0)
                    return null;
                await ApplyAsync(key, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            _buffer.Set(_buffer.Text); // the cursor behind all rows
            _view.Draw(prompt, _buffer, keys.Size);
            await output.WriteAsync(PasteOff + "\r\n").ConfigureAwait(false);
        }
    }

    /// <summary>A key; one that must be waited for, on a thread of its own: the read cannot be cancelled. One that was left waiting serves the next call.</summary>
    private async Task<ConsoleKeyInfo> ReadKeyAsync(CancellationToken cancellationToken)
    {
        if (_key is null && keys.HasMore)
            return keys.Read();
        _key ??= Task.Factory.StartNew(keys.Read, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var key = await _key.WaitAsync(cancellationToken).ConfigureAwait(false);
        _key = null;
        return key;
    }

    private async Task ApplyAsync(ConsoleKeyInfo key, CancellationToken cancellationToken)
    {
        if (key.Key == ConsoleKey.Escape && keys.HasMore)
            await ReadSequenceAsync(cancellationToken).ConfigureAwait(false);
        else if (_pasting)
            Paste(key);
        else if (IsEnter(key))
            _buffer.Insert("\n"); // Alt-Enter
        else if ((key.Modifiers & ConsoleModifiers.Control) != 0)
            ApplyControl(key.Key);
        else
            ApplyPlain(key);
    }

    private void ApplyPlain(ConsoleKeyInfo key)
    {
        switch (key.Key)
        {
            case ConsoleKey.LeftArrow: _buffer.Left(); break;
            case ConsoleKey.RightArrow: _buffer.Right(); break;
            case ConsoleKey.UpArrow: Recall(_place - 1); break;
            case ConsoleKey.DownArrow: Recall(_place + 1); break;
            case ConsoleKey.Home: _buffer.Home(); break;
            case ConsoleKey.End: _buffer.End(); break;
            case ConsoleKey.Backspace: _buffer.Backspace(); break;
            case ConsoleKey.Delete: _buffer.Delete(); break;
            case ConsoleKey.B when IsAlt(key): _buffer.WordLeft(); break;
            case ConsoleKey.F when IsAlt(key): _buffer.WordRight(); break;
            default:
                if (!char.IsControl(key.KeyChar) && !IsAlt(key))
                    _buffer.Insert(key.KeyChar.ToString());
                break;
        }
    }

    private void ApplyControl(ConsoleKey key)
    {
        switch (key)
        {
            case ConsoleKey.A: _buffer.Home(); break;
            case ConsoleKey.E: _buffer.End(); break;
            case ConsoleKey.B: _buffer.Left(); break;
            case ConsoleKey.F: _buffer.Right(); break;
            case ConsoleKey.P: Recall(_place - 1); break;
            case ConsoleKey.N: Recall(_place + 1); break;
            case ConsoleKey.D: _buffer.Delete(); break;
            case ConsoleKey.H: _buffer.Backspace(); break;
            case ConsoleKey.W or ConsoleKey.Backspace: _buffer.DeleteWord(); break;
            case ConsoleKey.U: _buffer.DeleteToStart(); break;
            case ConsoleKey.K: _buffer.DeleteToEnd(); break;
            case ConsoleKey.LeftArrow: _buffer.WordLeft(); break;
            case ConsoleKey.RightArrow: _buffer.WordRight(); break;
            case ConsoleKey.L: _view.Begin(clear: true); break;
        }
    }

    private void Paste(ConsoleKeyInfo key)
    {
        if (IsEnter(key))
            _buffer.Insert("\n");
        else if (key.KeyChar == '\t' || !char.IsControl(key.KeyChar))
            _buffer.Insert(key.KeyChar.ToString());
    }

    /// <summary>What follows an escape character that the terminal has sent: the marks of a paste, or something that means nothing here.</summary>
    private async Task ReadSequenceAsync(CancellationToken cancellationToken)
    {
        var sequence = "";
        while (keys.HasMore && sequence.Length < LongestSequence)
        {
            sequence += (await ReadKeyAsync(cancellationToken).ConfigureAwait(false)).KeyChar;
            if (sequence.Length > 1 && !char.IsAsciiDigit(sequence[^1]) && sequence[^1] != ';')
                break;
        }

        if (sequence is PasteBegin or PasteEnd)
            _pasting = sequence == PasteBegin;
    }

    private void Recall(int place)
    {
        if (place < 0 || place > history.Count)
            return;
        if (_place == history.Count)
            _entered = _buffer.Text;
        _place = place;
        _buffer.Set(place == history.Count ? _entered : history[place]);
    }

    private static bool IsEnter(ConsoleKeyInfo key) => key.Key == ConsoleKey.Enter || key.KeyChar is '\r' or '\n';

    private static bool IsAlt(ConsoleKeyInfo key) => (key.Modifiers & ConsoleModifiers.Alt) != 0;

    private static bool IsControl(ConsoleKeyInfo key, ConsoleKey which) => key.Key == which && (key.Modifiers & ConsoleModifiers.Control) != 0;
}
