using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

/// <summary>How far the weights of a block lie from the levels of NF4, under one scale after the other.</summary>
/// <remarks>A block is 64 weights; a shorter one is filled up with zeros, which have a level of their own and so no error. Every path returns the same bits.</remarks>
internal static partial class Nf4BlockErrors
{
    private const int Block = BandLayout.BlockColumns;
    private const int Lanes = 16;

    /// <summary>The sums of (weight · inverse − nearest level)², each times the importance of its weight.</summary>
    /// <param name="path">The instruction set.</param>
    /// <param name="weights">The block, [64], small enough that no product overflows.</param>
    /// <param name="importance">How much each weight's square counts, [64]; empty for all alike.</param>
    /// <param name="inverses">What the scales to try divide by, [n].</param>
    /// <param name="errors">Receives n sums, in units of the scales' squares.</param>
    public static void Measure(KernelPath path, ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, ReadOnlySpan<float> inverses, Span<float> errors)
    {
        Lengths.Require(nameof(weights), weights.Length, Block);
        Lengths.Require(nameof(importance), importance.Length, importance.IsEmpty ? 0 : Block);
        Lengths.Require(nameof(errors), errors.Length, inverses.Length);
        ref var block = ref MemoryMarshal.GetReference(weights);
        switch (path)
        {
            case >= KernelPath.Avx512:
                MeasureAvx512(ref block, importance, inverses, errors);
                break;
            case KernelPath.Avx2:
                MeasureAvx2(ref block, importance, inverses, errors);
                break;
            case KernelPath.Vector128:
                MeasureVector128(ref block, importance, inverses, errors);
                break;
            default:
                MeasureScalar(weights, importance, inverses, errors);
                break;
        }
    }

    /// <summary>The definition: sixteen running sums, added up by halves at the end.</summary>
    private static void MeasureScalar(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, ReadOnlySpan<float> inverses, Span<float> errors)
    {
        Span<float> sums = stackalloc float[Lanes];
        for (var scale = 0; scale < inverses.Length; scale++)
        {
            sums.Clear();
            for (var i = 0; i < Block; i++)
            {
                var distance = Distance(weights[i] * inverses[scale]);
                sums[i % Lanes] += importance.IsEmpty ? distance * distance : distance * distance * importance[i];
            }

            for (var half = Lanes / 2; half > 0; half /= 2)
            {
                for (var i = 0; i < half; i++)
                    sums[i] += sums[i + half];
            }

            errors[scale] = sums[0];
        }
    }

    private static float Distance(float value)
    {
        var nearest = float.PositiveInfinity;
        foreach (var level in Nf4.Levels)
            nearest = MathF.Min(nearest, MathF.Abs(value - level));
        return nearest;
    }

    /// <summary>Halves added to halves: the order of the definition.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Sum(Vector256<float> eight)
    {
        var four = eight.GetLower() + eight.GetUpper();
        var two = four + Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1));
        return two.ToScalar() + two.GetElement(1);
    }
}
