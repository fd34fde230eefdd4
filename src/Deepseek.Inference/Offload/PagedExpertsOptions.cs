namespace Deepseek.Inference.Offload;

/// <summary>How a cache of experts is made.</summary>
internal sealed record PagedExpertsOptions
{
    /// <summary>Experts that memory holds at once.</summary>
    public required int Slots { get; init; }

    /// <summary>Whether hints are followed.</summary>
    public bool Prefetch { get; init; } = true;

    /// <summary>How far choosing leans towards experts in memory; 0 for not at all.</summary>
    public double CachePreference { get; init; }

    /// <summary>When checksums are compared.</summary>
    public ChecksumPolicy Checksums { get; init; } = ChecksumPolicy.First;

    /// <summary>Threads that read a disk.</summary>
    public int ReadersPerDisk { get; init; } = 4;

    /// <summary>Bytes of a piece: what a reader asks for at once, a multiple of 4,096.</summary>
    /// <remarks>Short enough that all readers work on one record, so that the first expert is there early; long enough for a disk's full speed.</remarks>
    public int PieceBytes { get; init; } = 2 << 20;

    /// <summary>How often a piece is tried before the read fails.</summary>
    public int Attempts { get; init; } = 3;

    /// <summary>Tokens within which an expert that was demanded counts as recent: a hint may not push it out.</summary>
    public int RecentTokens { get; init; } = 16;
}
