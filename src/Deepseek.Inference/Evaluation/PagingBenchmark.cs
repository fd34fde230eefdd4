using Deepseek.Inference.Offload;

namespace Deepseek.Inference.Evaluation;

/// <summary>What paging did while decoding was timed.</summary>
public sealed record PagingBenchmark
{
    /// <summary>What happened during the timed repetitions.</summary>
    public required PagingStatistics Statistics { get; init; }

    /// <summary>How long decoding went on untimed beforehand, until every slot was filled or 1,000 tokens had passed.</summary>
    public required TimeSpan Fill { get; init; }

    /// <summary>Tokens decoded in the timed repetitions, of all sequences.</summary>
    public required long Tokens { get; init; }

    /// <summary>Bytes of weights that every token reads, whatever its experts.</summary>
    public required double AlwaysReadBytes { get; init; }

    /// <summary>Bytes that the disks read for a token, those in vain included.</summary>
    public double DiskBytesPerToken => (double)Statistics.ReadBytes / Tokens;

    /// <summary>Bytes of experts that were read for a token because of a hint and left memory without having been used.</summary>
    public double PrefetchedInVainBytesPerToken => (double)Statistics.PrefetchedInVainBytes / Tokens;

    /// <summary>The speed that is possible where nothing overlaps: all weights of a token at the memory's speed, and the missing ones at the disk's.</summary>
    /// <param name="bytesPerToken">Bytes of weights that a token reads.</param>
    /// <param name="memoryGigabytesPerSecond">The memory's speed, GB/s (10⁹ bytes).</param>
    /// <param name="diskGigabytesPerSecond">The disks' speed, GB/s.</param>
    public double TokensPerSecondWithoutOverlap(double bytesPerToken, double memoryGigabytesPerSecond, double diskGigabytesPerSecond) =>
        1 / ((bytesPerToken / (memoryGigabytesPerSecond * 1e9)) + (DiskBytesPerToken / (diskGigabytesPerSecond * 1e9)));
}
