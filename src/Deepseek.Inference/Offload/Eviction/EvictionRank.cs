namespace Deepseek.Inference.Offload.Eviction;

/// <summary>The scale on which policies rank, so that one may be laid over another.</summary>
/// <remarks>
/// Cold experts lie in [0, 1), in the order of their coming; warm ones in [1, 2⁶⁴). What must stay is +∞. Whoever wants classes above the order within them multiplies by powers of 2⁶⁴, which rounds nothing.
/// </remarks>
internal static class EvictionRank
{
    /// <summary>The lowest rank of an expert that was demanded.</summary>
    public const double Warm = 1;

    /// <summary>Above every warm rank of a policy.</summary>
    public const double Class = 18446744073709551616.0; // 2^64

    /// <summary>The rank of the n-th cold expert: the one that came first leaves first, since what it was fetched for has passed it by.</summary>
    public static double Cold(long number) => number / Class;
}
