using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// Two vectors hold the sixteen sums.
internal static partial class Nf4BlockErrors
{
    /// <summary>Every fourth level from the third on, twice: the last of three comparisons of a search by halves.</summary>
    private static readonly float[] Quarters = [.. Enumerable.Range(0, 8).Select(i => Nf4.Levels[(i % 4 * 4) + 2])];

    /// <summary>The three levels around each of eight places that the search can end in; the last place has only two.</summary>
    private static readonly float[] First = [.. Enumerable.Range(0, 8).Select(place => Nf4.Levels[2 * place])];
    private static readonly float[] Middle = [.. Enumerable.Range(0, 8).Select(place => Nf4.Levels[(2 * place) + 1])];
    private static readonly float[] Last = [.. Enumerable.Range(0, 8).Select(place => Nf4.Levels[Math.Min((2 * place) + 2, 15)])];

    private static void MeasureAvx2(ref float block, ReadOnlySpan<float> importance, ReadOnlySpan<float> inverses, Span<float> errors)
    {
        const int Step = 8;
        var places = new Places(Vector256.Create(Quarters), Vector256.Create(First), Vector256.Create(Middle), Vector256.Create(Last));
        ref var by = ref MemoryMarshal.GetReference(importance);
        for (var scale = 0; scale < inverses.Length; scale++)
        {
            var inverse = Vector256.Create(inverses[scale]);
            var (low, high) = (Vector256<float>.Zero, Vector256<float>.Zero);
            for (var i = 0; i < Block; i += Lanes)
            {
                var first = Squares(Vector256.LoadUnsafe(ref block, (nuint)i) * inverse, places);
                var second = Squares(Vector256.LoadUnsafe(ref block, (nuint)(i + Step)) * inverse, places);
                if (!importance.IsEmpty)
                {
                    first *= Vector256.LoadUnsafe(ref by, (nuint)i);
                    second *= Vector256.LoadUnsafe(ref by, (nuint)(i + Step));
                }

                low += first;
                high += second;
            }

            errors[scale] = Sum(low + high);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Squares(Vector256<float> value, in Places places)
    {
        var upper = Vector256.GreaterThan(value, Vector256.Create(Nf4.Levels[8]));
        var quarter = Vector256.GreaterThan(value, Vector256.ConditionalSelect(upper, Vector256.Create(Nf4.Levels[12]), Vector256.Create(Nf4.Levels[4]))).AsInt32();
        var place = (upper.AsInt32() & Vector256.Create(2)) - quarter; // a comparison that holds is −1
        place += place - Vector256.GreaterThan(value, Avx2.PermuteVar8x32(places.Quarters, place)).AsInt32();

        var first = Vector256.Abs(value - Avx2.PermuteVar8x32(places.First, place));
        var middle = Vector256.Abs(value - Avx2.PermuteVar8x32(places.Middle, place));
        var last = Vector256.Abs(value - Avx2.PermuteVar8x32(places.Last, place));
        var nearest = Vector256.MinNative(Vector256.MinNative(first, middle), last);
        return nearest * nearest;
    }

    private readonly record struct Places(Vector256<float> Quarters, Vector256<float> First, Vector256<float> Middle, Vector256<float> Last);
}
