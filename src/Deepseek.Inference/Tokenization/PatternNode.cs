namespace Deepseek.Inference.Tokenization;

/// <summary>A parsed part of a splitting pattern.</summary>
internal abstract record PatternNode
{
    /// <summary>Whether the part can match without taking a character.</summary>
    public abstract bool MayBeEmpty { get; }

    /// <summary>Adds the sets that hold every character with which a match of the part can begin.</summary>
    /// <remarks>A part that may be empty adds what it can; the caller goes on with what follows.</remarks>
    public abstract void AddFirst(List<RuneSet> sets);
}

/// <summary>How eagerly a repeat takes characters.</summary>
internal enum RepeatKind
{
    /// <summary>As many as possible, giving back where needed: <c>x*</c>.</summary>
    Greedy,

    /// <summary>As few as possible: <c>x*?</c>.</summary>
    Lazy,

    /// <summary>As many as possible, giving nothing back: <c>x*+</c>.</summary>
    Possessive,
}

/// <summary>One character of a set.</summary>
internal sealed record RuneNode(RuneSet Set) : PatternNode
{
    public override bool MayBeEmpty => false;

    public override void AddFirst(List<RuneSet> sets) => sets.Add(Set);
}

/// <summary>Parts one after the other.</summary>
internal sealed record SequenceNode(IReadOnlyList<PatternNode> Parts) : PatternNode
{
    public override bool MayBeEmpty { get; } = Parts.All(part => part.MayBeEmpty);

    public override void AddFirst(List<RuneSet> sets)
    {
        foreach (var part in Parts)
        {
            part.AddFirst(sets);
            if (!part.MayBeEmpty)
                return;
        }
    }
}

/// <summary>The first of several parts that matches.</summary>
internal sealed record AlternationNode(IReadOnlyList<PatternNode> Branches) : PatternNode
{
    public override bool MayBeEmpty { get; } = Branches.Any(branch => branch.MayBeEmpty);

    public override void AddFirst(List<RuneSet> sets)
    {
        foreach (var branch in Branches)
            branch.AddFirst(sets);
    }
}

/// <summary>A part repeated; the part itself never matches the empty string.</summary>
/// <param name="Body">What is repeated.</param>
/// <param name="Min">Fewest repetitions.</param>
/// <param name="Max">Most repetitions; <see cref="int.MaxValue"/> for no bound.</param>
/// <param name="Kind">How eagerly.</param>
internal sealed record RepeatNode(PatternNode Body, int Min, int Max, RepeatKind Kind) : PatternNode
{
    public override bool MayBeEmpty => Min == 0;

    public override void AddFirst(List<RuneSet> sets) => Body.AddFirst(sets);
}

/// <summary>Whether the next character is in a set, without taking it; the end of the text is in no set.</summary>
internal sealed record AheadNode(RuneSet Set, bool Negated) : PatternNode
{
    public override bool MayBeEmpty => true;

    public override void AddFirst(List<RuneSet> sets)
    {
    }
}

/// <summary>The end of the text or of a line: <c>$</c> as in Oniguruma, which always works by lines.</summary>
internal sealed record LineEndNode : PatternNode
{
    public override bool MayBeEmpty => true;

    public override void AddFirst(List<RuneSet> sets)
    {
    }
}
