using System.Globalization;

namespace Deepseek.Inference.Kernels;

/// <summary>What kernels ask of the lengths of their arguments.</summary>
internal static class Lengths
{
    /// <summary>How many parts of a size hold a count, the last perhaps in part.</summary>
    public static long CeilDiv(long count, int size) => (count + size - 1) / size;

    /// <summary>Refuses an argument that does not fit the others.</summary>
    /// <exception cref="ArgumentException">The length is another than expected.</exception>
    public static void Require(string name, long length, long expected)
    {
        if (length != expected)
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                $"{name} has {length} elements; it must have {expected}, to fit the other arguments."), name);
        }
    }

    /// <summary>Tokens of a part, where at most so many are taken at once: parts have one size, since a few tokens left over would read all weights once more.</summary>
    /// <param name="count">All tokens, 1 or more.</param>
    /// <param name="most">Of a part, but for rounding up.</param>
    /// <param name="step">Parts are multiples of it.</param>
    public static int EvenPart(int count, int most, int step)
    {
        var parts = (int)CeilDiv(count, most);
        return (int)CeilDiv(CeilDiv(count, parts), step) * step;
    }
}
