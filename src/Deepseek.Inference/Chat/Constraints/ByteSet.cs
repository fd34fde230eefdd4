namespace Deepseek.Inference.Chat.Constraints;

/// <summary>A set of bytes.</summary>
internal sealed class ByteSet
{
    private readonly bool[] _members = new bool[256];

    /// <summary>Whether a byte belongs to the set.</summary>
    public bool this[byte value] => _members[value];

    /// <summary>Whether no byte does.</summary>
    public bool IsEmpty => !_members.Contains(true);

    /// <summary>The bytes of a range, both ends included.</summary>
    public static ByteSet Range(int first, int last) => Where(b => b >= first && b <= last);

    /// <summary>The bytes of ASCII characters.</summary>
    public static ByteSet Of(string characters) => Where(b => characters.Contains((char)b, StringComparison.Ordinal));

    /// <summary>The bytes for which something holds.</summary>
    public static ByteSet Where(Func<int, bool> holds)
    {
        var set = new ByteSet();
        for (var b = 0; b < 256; b++)
            set._members[b] = holds(b);
        return set;
    }
}
