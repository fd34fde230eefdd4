namespace Deepseek.Inference.Experts;

/// <summary>Hands out routed experts: the seam between the layers and whatever holds the weights.</summary>
/// <remarks>Thread-safe. Layers cannot tell resident experts from paged ones.</remarks>
internal interface IExpertSource : IDisposable
{
    /// <summary>Pins experts of one layer, all or none, until the batch is disposed.</summary>
    /// <param name="experts">Distinct experts of one layer.</param>
    /// <param name="cancellationToken">Ends the wait for memory or disk.</param>
    ExpertBatch Rent(ReadOnlySpan<ExpertId> experts, CancellationToken cancellationToken);

    /// <summary>A hint that experts may be asked for soon; never blocks.</summary>
    void Prefetch(ReadOnlySpan<ExpertId> experts);
}
