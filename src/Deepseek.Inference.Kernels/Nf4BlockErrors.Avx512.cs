using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// The block stays in four registers while the scales pass.
internal static partial class Nf4BlockErrors
{
    private const int Parts = 32;
    private const float PartsPerUnit = 16;

    // No level between the last part's and the end: what lies beyond is nearest to the same level.
    private const float End = 15 / PartsPerUnit;

    // Adding it leaves a whole number in the lowest bits.
    private const float Rounder = 1.5f * (1 << 23);

    // VRANGEPS: of two values the one of smaller magnitude, with the first one's sign or with none.
    private const byte SmallerWithSign = 0b0010;
    private const byte SmallerWithoutSign = 0b1010;

    /// <summary>Of each sixteenth of a unit, counted from the middle of the one around 0 and modulo 32: the two levels of which one is nearest.</summary>
    /// <remarks>No sixteenth holds two thresholds, and none lies within 10⁻³ of a border, where rounding could decide.</remarks>
    private static readonly float[] Below = [.. Enumerable.Range(0, Parts).Select(part => Nf4.Levels[Nf4.CodeOf(BorderOf(part))])];
    private static readonly float[] Above = [.. Enumerable.Range(0, Parts).Select(part => Nf4.Levels[Nf4.CodeOf(BorderOf(part) + (1 / PartsPerUnit))])];

    private static float BorderOf(int part) => ((part < Parts / 2 ? part : part - Parts) - 0.5f) / PartsPerUnit;

    private static void MeasureAvx512(ref float block, ReadOnlySpan<float> importance, ReadOnlySpan<float> inverses, Span<float> errors)
    {
        var first = Vector512.LoadUnsafe(ref block);
        var second = Vector512.LoadUnsafe(ref block, Lanes);
        var third = Vector512.LoadUnsafe(ref block, 2 * Lanes);
        var fourth = Vector512.LoadUnsafe(ref block, 3 * Lanes);
        var tables = new Tables(Vector512.Create(Below, 0), Vector512.Create(Below, Lanes), Vector512.Create(Above, 0), Vector512.Create(Above, Lanes));
        if (importance.IsEmpty)
        {
            for (var i = 0; i < inverses.Length; i++)
            {
                var inverse = Vector512.Create(inverses[i]);
                var sums = Squares(first * inverse, tables) + Squares(second * inverse, tables) + Squares(third * inverse, tables) + Squares(fourth * inverse, tables);
                errors[i] = Sum(sums.GetLower() + sums.GetUpper());
            }

            return;
        }

        ref var by = ref MemoryMarshal.GetReference(importance);
        for (var i = 0; i < inverses.Length; i++)
        {
            var inverse = Vector512.Create(inverses[i]);
            var sums = Squares(first * inverse, tables) * Vector512.LoadUnsafe(ref by);
            sums += Squares(second * inverse, tables) * Vector512.LoadUnsafe(ref by, Lanes);
            sums += Squares(third * inverse, tables) * Vector512.LoadUnsafe(ref by, 2 * Lanes);
            sums += Squares(fourth * inverse, tables) * Vector512.LoadUnsafe(ref by, 3 * Lanes);
            errors[i] = Sum(sums.GetLower() + sums.GetUpper());
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Squares(Vector512<float> value, in Tables tables)
    {
        var within = Avx512DQ.Range(value, Vector512.Create(End), SmallerWithSign);
        var part = Avx512F.FusedMultiplyAdd(within, Vector512.Create(PartsPerUnit), Vector512.Create(Rounder)).AsInt32(); // the permutation reads its low five bits
        var below = Avx512F.PermuteVar16x32x2(tables.Below, part, tables.BelowNegative);
        var above = Avx512F.PermuteVar16x32x2(tables.Above, part, tables.AboveNegative);
        var distance = Avx512DQ.Range(value - below, value - above, SmallerWithoutSign);
        return distance * distance;
    }

    private readonly record struct Tables(Vector512<float> Below, Vector512<float> BelowNegative, Vector512<float> Above, Vector512<float> AboveNegative);
}
