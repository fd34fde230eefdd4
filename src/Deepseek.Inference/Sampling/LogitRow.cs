using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Deepseek.Inference.Sampling;

/// <summary>What several strategies ask of a row of logits.</summary>
internal static class LogitRow
{
    /// <summary>The greatest logit; NaN if any is NaN, −∞ if every token is removed or the row is empty.</summary>
    /// <remarks>Finite exactly when a token can be chosen, which is how the processors and samplers use it.</remarks>
    public static float Maximum(ReadOnlySpan<float> logits)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        var greatest = float.NegativeInfinity;
        if (vectors.Length > 0)
        {
            var lanes = vectors[0];
            foreach (var vector in vectors)
                lanes = Vector.Max(lanes, vector); // IEEE 754 maximum: NaN wins
            for (var lane = 0; lane < Vector<float>.Count; lane++)
                greatest = MathF.Max(greatest, lanes[lane]);
        }

        foreach (var logit in logits[(vectors.Length * Vector<float>.Count)..])
            greatest = MathF.Max(greatest, logit);
        return greatest;
    }

    /// <summary>The greatest logit of a row from which a token can be chosen.</summary>
    /// <exception cref="InvalidLogitsException">The row holds NaN, +∞ or no token.</exception>
    public static float RequireMaximum(ReadOnlySpan<float> logits)
    {
        var greatest = Maximum(logits);
        return float.IsFinite(greatest) ? greatest : throw InvalidLogitsException.For(logits);
    }

    /// <summary>Refuses a token of the history that the row has no logit for.</summary>
    /// <exception cref="ArgumentException">The id lies outside the vocabulary.</exception>
    public static void RequireToken(int id, int vocabulary)
    {
        if ((uint)id >= (uint)vocabulary)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"The history holds token {id}; ids must be 0 to {vocabulary - 1}, since the row has {vocabulary} logits."));
    }

    /// <summary>Refuses a destination of another length than the row.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void RequireSameLength(ReadOnlySpan<float> logits, ReadOnlySpan<float> destination)
    {
        if (destination.Length != logits.Length)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"destination has {destination.Length} elements; it must have {logits.Length}, one a logit."), nameof(destination));
    }
}
