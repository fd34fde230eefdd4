namespace Deepseek.Inference.Tokenization;

/// <summary>The characters that at least one of several sets holds: those with which a match can begin.</summary>
internal sealed class RuneSetUnion
{
    private readonly RuneSet[] _sets;
    private readonly bool[] _ascii = new bool[128];

    /// <summary>Collects the sets with which a part of a pattern can begin.</summary>
    public RuneSetUnion(PatternNode node)
    {
        List<RuneSet> sets = [];
        node.AddFirst(sets);
        _sets = [.. sets];
        for (var c = 0; c < _ascii.Length; c++)
            _ascii[c] = Decide(c);
    }

    /// <summary>Whether one of the sets holds a code point.</summary>
    public bool Contains(int rune) => rune < _ascii.Length ? _ascii[rune] : Decide(rune);

    private bool Decide(int rune)
    {
        foreach (var set in _sets)
        {
            if (set.Contains(rune))
                return true;
        }

        return false;
    }
}
