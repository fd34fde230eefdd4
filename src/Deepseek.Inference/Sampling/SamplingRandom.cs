namespace Deepseek.Inference.Sampling;

/// <summary>The random draws of one step of one sequence: SplitMix64, addressed by seed and step.</summary>
/// <remarks>
/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, with the mixing constants of its
/// authors' public code. The generator has no history: the step's own stream starts at output number <c>step</c> of the
/// seed's stream, so that a resumed sequence, or one decoded beside others, draws what it would have drawn alone.
/// Integer arithmetic alone, hence the same on every platform. Not for secrets.
/// </remarks>
public struct SamplingRandom : IEquatable<SamplingRandom>
{
    // 2^64 divided by the golden ratio, made odd: SplitMix64's increment.
    private const ulong Increment = 0x9E3779B97F4A7C15;

    private ulong _state;

    /// <summary>Opens the draws of one step.</summary>
    /// <param name="seed">The sequence's seed; every value is allowed.</param>
    /// <param name="step">How many tokens were drawn before this one.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="step"/> is negative.</exception>
    public SamplingRandom(long seed, int step)
    {
        if (step < 0)
            throw new ArgumentOutOfRangeException(nameof(step), step, "step must be 0 or more, since it counts the tokens drawn so far.");
        _state = Output(unchecked((ulong)seed), (ulong)step);
    }

    /// <summary>A seed that differs from run to run, for a caller that set none.</summary>
#pragma warning disable RS0030 // The one draw without a seed: it makes the seed.
    public static long NewSeed() => Random.Shared.NextInt64(long.MinValue, long.MaxValue);
#pragma warning restore RS0030

    /// <summary>Draws 64 uniform bits.</summary>
    public ulong NextUInt64()
    {
        var output = Output(_state, 0);
        _state = unchecked(_state + Increment);
        return output;
    }

    /// <summary>Draws a number uniform in [0, 1), a multiple of 2⁻⁵³.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Output number <paramref name="index"/> (from 0) of the SplitMix64 stream that starts at <paramref name="state"/>.</summary>
    internal static ulong Output(ulong state, ulong index)
    {
        unchecked
        {
            var z = state + (Increment * (index + 1));
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }

    /// <inheritdoc/>
    public readonly bool Equals(SamplingRandom other) => _state == other._state;

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is SamplingRandom other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => _state.GetHashCode();

    /// <summary>Whether both will draw the same.</summary>
    public static bool operator ==(SamplingRandom left, SamplingRandom right) => left.Equals(right);

    /// <summary>Whether the two will draw differently.</summary>
    public static bool operator !=(SamplingRandom left, SamplingRandom right) => !left.Equals(right);
}
