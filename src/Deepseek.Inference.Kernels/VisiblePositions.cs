namespace Deepseek.Inference.Kernels;

/// <summary>Positions that a query sees of a range, in up to two spans, relative to the range's start. Equal sets are equal values.</summary>
/// <param name="From">The first position seen.</param>
/// <param name="Until">The end of the first span.</param>
/// <param name="Again">The first position of the second span, or <paramref name="Until"/> where there is none.</param>
/// <param name="To">The end of all.</param>
internal readonly record struct VisiblePositions(int From, int Until, int Again, int To)
{
    /// <summary>Whether nothing is seen.</summary>
    public bool IsEmpty => From == To;

    /// <summary>Two spans in order, each of which may be empty, or have its end before its start.</summary>
    public static VisiblePositions Of(int from, int until, int again, int to)
    {
        var (first, second) = (from < until, again < to);
        if (first && second)
            return until == again ? new(from, to, to, to) : new(from, until, again, to);
        if (first)
            return new(from, until, until, until);
        return second ? new(again, to, to, to) : default;
    }

    /// <summary>What is seen of the positions from <paramref name="start"/> up to <paramref name="end"/>, relative to the same start as before.</summary>
    public VisiblePositions Within(int start, int end) => Of(Math.Max(From, start), Math.Min(Until, end), Math.Max(Again, start), Math.Min(To, end));

    /// <summary>Whether a position is seen.</summary>
    public bool Contains(int position) => (position >= From && position < Until) || (position >= Again && position < To);
}
