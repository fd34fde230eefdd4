namespace Deepseek.Inference.Kernels;

/// <summary>The earlier positions that a query sees: the query at i sees j ≤ i with i − j &lt; recent or j &lt; sink.</summary>
/// <param name="Recent">Positions up to the query's own that it sees, at least 1; <see cref="int.MaxValue"/> for all.</param>
/// <param name="Sink">First positions of the sequence that it sees, however far back they are.</param>
/// <remarks>Sinks: Xiao et al., arXiv:2309.17453, §3.2.</remarks>
internal readonly record struct AttentionWindow(int Recent, int Sink)
{
    /// <summary>No window: a query sees all positions up to its own.</summary>
    public static AttentionWindow None => new(int.MaxValue, 0);

    /// <summary>What the query at a position sees of the positions from <paramref name="start"/> up to, not including, <paramref name="end"/>.</summary>
    public VisiblePositions In(int position, int start, int end)
    {
        end = Math.Min(end, position + 1);
        var recent = (int)Math.Max(start, Math.Max((long)position - Recent + 1, Sink));
        return VisiblePositions.Of(0, Math.Min(Sink, end) - start, Math.Min(recent, end) - start, end - start);
    }
}
