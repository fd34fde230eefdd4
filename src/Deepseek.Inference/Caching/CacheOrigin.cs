namespace Deepseek.Inference.Caching;

/// <summary>What a cache's values depend on beside its tokens: only a model of the same origin continues them with the same bits.</summary>
/// <param name="Weights">A checksum that tells models apart.</param>
/// <param name="Computing">How the values are computed, in words that a message can show.</param>
internal readonly record struct CacheOrigin(UInt128 Weights, string Computing)
{
    /// <summary>A checksum as messages write it.</summary>
    public static string Text(UInt128 checksum) => checksum.ToString("x32", System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>What makes caches that can be saved.</summary>
internal interface ICacheOwner
{
    /// <summary>What the values of its caches depend on; asking for it the first time may read the disk.</summary>
    CacheOrigin Origin { get; }
}
