using System.Numerics;
using System.Runtime.InteropServices;

namespace Deepseek.Inference.Sampling;

/// <summary>The soft-max of a row in double precision, the same bits on every platform.</summary>
/// <remarks>
/// A seed promises the same text everywhere, and a library's exponential differs in its last bits from one system to the
/// next. This one uses IEEE additions and multiplications alone, element by element, and sums in one fixed order.
/// </remarks>
internal static class SoftMaxWeights
{
    // Below, e^x is less than the least normal double: no draw of 53 bits would ever reach such a token.
    private const double Smallest = -708;

    private const double Log2E = 1.4426950408889634;

    // ln 2 in two parts, the first with 33 bits, so that its product with an integer below 2^20 is exact (fdlibm, e_exp.c).
    private const double Ln2High = 6.93147180369123816490e-01;
    private const double Ln2Low = 1.90821492927058770002e-10;

    // Adding 1.5 × 2^52 rounds to an integer and leaves it in the low bits of the sum.
    private const double Rounder = 6755399441055744.0;

    // 1/n! for n = 13 … 0. |r| ≤ ln 2 / 2, so the first neglected term is below 5e-18 of the result.
    private static readonly double[] Taylor =
    [
        1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
        1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2, 1.0, 1.0,
    ];

    /// <summary>Writes e^(logit − maximum) of every token and returns the sum; a removed token weighs 0, the best one 1.</summary>
    /// <param name="logits">The row, <c>[V]</c>, without NaN.</param>
    /// <param name="maximum">The greatest logit, finite: subtracting it keeps every weight within 0 to 1.</param>
    /// <param name="weights">Receives the weights, <c>[V]</c>.</param>
    public static double Compute(ReadOnlySpan<float> logits, float maximum, Span<double> weights)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        var written = MemoryMarshal.Cast<double, Vector<double>>(weights);
        var shift = new Vector<double>(maximum);
        for (var i = 0; i < vectors.Length; i++)
        {
            Vector.Widen(vectors[i], out var low, out var high);
            written[2 * i] = Exponential(low - shift);
            written[(2 * i) + 1] = Exponential(high - shift);
        }

        for (var i = vectors.Length * Vector<float>.Count; i < logits.Length; i++)
            weights[i] = Exponential((double)logits[i] - maximum);
        return Sum(weights[..logits.Length]);
    }

    /// <summary>The soft-max of a row.</summary>
    /// <exception cref="InvalidLogitsException">The row holds NaN, +∞ or no token.</exception>
    public static void Probabilities(ReadOnlySpan<float> logits, Span<float> destination)
    {
        LogitRow.RequireSameLength(logits, destination);
        var maximum = LogitRow.RequireMaximum(logits);
        using var weights = new Rented<double>(logits.Length);
        var total = Compute(logits, maximum, weights.Span);
        for (var id = 0; id < logits.Length; id++)
            destination[id] = (float)(weights.Span[id] / total);
    }

    /// <summary>e^x for x ≤ 0; 0 below −708.</summary>
    internal static double Exponential(double x)
    {
        if (!(x >= Smallest))
            return 0;
        var rounded = (x * Log2E) + Rounder;
        var power = rounded - Rounder;
        var r = x - (power * Ln2High) - (power * Ln2Low);
        var sum = Taylor[0];
        for (var n = 1; n < Taylor.Length; n++)
            sum = (sum * r) + Taylor[n];
        return BitConverter.Int64BitsToDouble(BitConverter.DoubleToInt64Bits(sum) + (BitConverter.DoubleToInt64Bits(rounded) << 52));
    }

    /// <summary>The same operations on a vector, hence the same bits.</summary>
    internal static Vector<double> Exponential(Vector<double> x)
    {
        var rounded = (x * Log2E) + new Vector<double>(Rounder);
        var power = rounded - new Vector<double>(Rounder);
        var r = x - (power * Ln2High) - (power * Ln2Low);
        var sum = new Vector<double>(Taylor[0]);
        for (var n = 1; n < Taylor.Length; n++)
            sum = (sum * r) + new Vector<double>(Taylor[n]);
        var scaled = Vector.AsVectorInt64(sum) + (Vector.AsVectorInt64(rounded) << 52);
        return Vector.ConditionalSelect(Vector.GreaterThanOrEqual(x, new Vector<double>(Smallest)), Vector.AsVectorDouble(scaled), Vector<double>.Zero);
    }

    // Eight partial sums, whatever the width of the machine's vectors: one order everywhere, and eight additions in flight.
    private static double Sum(ReadOnlySpan<double> weights)
    {
        Span<double> partial = stackalloc double[8];
        partial.Clear();
        var i = 0;
        for (; i + 8 <= weights.Length; i += 8)
        {
            for (var lane = 0; lane < 8; lane++)
                partial[lane] += weights[i + lane];
        }

        for (; i < weights.Length; i++)
            partial[i & 7] += weights[i];
        return partial[0] + partial[1] + (partial[2] + partial[3]) + (partial[4] + partial[5] + (partial[6] + partial[7]));
    }
}
