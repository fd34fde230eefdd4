using System.Collections.Concurrent;
using Deepseek.Cli.Terminal.Editing;

namespace Deepseek.Cli.Tests.Terminal.Editing;

/// <summary>Keys that a test presses; the last one leaves whoever reads waiting.</summary>
internal sealed class FakeKeys : IKeySource, IDisposable
{
    private readonly BlockingCollection<ConsoleKeyInfo> _keys = [];

    public bool HasMore => _keys.Count > 0;

    public (int Columns, int Rows) Size => (80, 24);

    public FakeKeys Type(string text)
    {
        foreach (var character in text)
            _keys.Add(new ConsoleKeyInfo(character, character switch { '\r' => ConsoleKey.Enter, '\u001b' => ConsoleKey.Escape, _ => 0 }, shift: false, alt: false, control: false));
        return this;
    }

    public FakeKeys Press(params ConsoleKey[] keys) => Press(control: false, alt: false, keys);

    public FakeKeys Control(params ConsoleKey[] keys) => Press(control: true, alt: false, keys);

    public FakeKeys Alt(params ConsoleKey[] keys) => Press(control: false, alt: true, keys);

    public ConsoleKeyInfo Read() => _keys.Take();

    public void Dispose() => _keys.Dispose();

    private FakeKeys Press(bool control, bool alt, ConsoleKey[] keys)
    {
        foreach (var key in keys)
            _keys.Add(new ConsoleKeyInfo('\0', key, shift: false, alt, control));
        return this;
    }
}
