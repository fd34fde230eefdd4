using System.IO.Hashing;
using System.Numerics;
using System.Text;

namespace Deepseek.Inference.Store;

/// <summary>A stream of random numbers that follows from a seed and a name alone: the same on every machine.</summary>
/// <remarks>
/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014). Normal values come from counted bits and not from logarithms and cosines, which differ in
/// their last bits from one system's mathematics to another's.
/// </remarks>
internal struct SyntheticRandom
{
    // 64 tosses of a coin have variance 16, the sum of two uniform values 1/6.
    private const float Normalized = 0.248708f; // 1 / √(16 + 1/6)

    private ulong _state;

    /// <param name="seed">The seed of a store.</param>
    /// <param name="name">What the numbers are for.</param>
    public SyntheticRandom(long seed, string name) => _state = XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(name), seed);

    /// <summary>64 random bits.</summary>
    public ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        var z = (_state ^ (_state >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>A whole number from 0 to below a bound of at most 2³²: its bias is far below what anybody could count.</summary>
    public int Below(int bound) => (int)(((Next() >> 32) * (ulong)bound) >> 32);

    /// <summary>A value of the standard normal distribution: a binomial of 64 tosses, smoothed by a triangle as wide as its steps.</summary>
    public float NextNormal()
    {
        var tosses = BitOperations.PopCount(Next()) - 32;
        var uniform = Next();
        var triangle = (((uniform & 0xFFFFFF) + (uniform >> 40)) * (1f / (1 << 24))) - 1;
        return (tosses + triangle) * Normalized;
    }

    /// <summary>Fills a span with normal values.</summary>
    public void FillNormal(Span<float> values, float deviation)
    {
        foreach (ref var value in values)
            value = deviation * NextNormal();
    }
}
