namespace Deepseek.Inference.Experts;

/// <summary>Hands out routed experts: the seam between the layers and whatever holds the weights.</summary>
/// <remarks>Thread-safe. Layers cannot tell resident experts from paged ones.</remarks>
internal interface IExpertSource : IDisposable
{
    /// <summary>Whether hints are of use, so that guessing is worth its time.</summary>
    bool TakesHints { get; }

    /// <summary>Rents experts of one layer until the batch is disposed; waits where others hold the memory that it needs.</summary>
    /// <param name="experts">Distinct experts of one layer.</param>
    /// <param name="use">What they are for.</param>
    /// <param name="cancellationToken">Ends the wait for memory or disk, here and in <see cref="ExpertBatch.Take"/>.</param>
    ExpertBatch Rent(ReadOnlySpan<ExpertId> experts, ExpertUse use, CancellationToken cancellationToken);

    /// <summary>How far choosing may lean towards experts that are in memory, as a share of the range of a token's scores; 0 where it may not.</summary>
    double Preference { get; }

    /// <summary>Tells which experts of a layer are in memory, or on their way.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="present">Receives an answer for every expert, from the first.</param>
    void MarkPresent(int layer, Span<bool> present);

    /// <summary>A hint that experts may be asked for soon; never blocks.</summary>
    void Prefetch(ReadOnlySpan<ExpertId> experts);
}
