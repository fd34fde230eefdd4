namespace Deepseek.Inference.Offload.Eviction;

/// <summary>How fast demands fade.</summary>
/// <param name="Passes">Passes, of one token or of several together, after which a demand counts half.</param>
/// <remarks>
/// Few passes follow a text that changes; many tell seldom used experts apart. The more experts a layer has, the more passes it takes until each has been wanted some times. docs/paging.md shows how little it matters.
/// </remarks>
internal readonly record struct HalfLife(int Passes)
{
    /// <summary>The faded count of an expert that every pass has demanded for ever: half-life / ln 2.</summary>
    public double FullWeight => Passes * 1.4426950408889634;

    /// <summary>What is right for a number of experts a layer: each is wanted twice as often as a token chooses experts.</summary>
    public static HalfLife For(int expertsPerLayer) => new(Math.Max(64, 2 * expertsPerLayer));
}
