using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// Four vectors hold the sixteen sums.
internal static partial class Nf4BlockErrors
{
    private static void MeasureVector128(ref float block, ReadOnlySpan<float> importance, ReadOnlySpan<float> inverses, Span<float> errors)
    {
        const int Step = 4;
        ref var by = ref MemoryMarshal.GetReference(importance);
        Span<Vector128<float>> sums = stackalloc Vector128<float>[Lanes / Step];
        for (var scale = 0; scale < inverses.Length; scale++)
        {
            var inverse = Vector128.Create(inverses[scale]);
            sums.Clear();
            for (var i = 0; i < Block; i += Step)
            {
                var squares = Squares(Vector128.LoadUnsafe(ref block, (nuint)i) * inverse);
                sums[i / Step % sums.Length] += importance.IsEmpty ? squares : squares * Vector128.LoadUnsafe(ref by, (nuint)i);
            }

            errors[scale] = Sum(Vector256.Create(sums[0] + sums[2], sums[1] + sums[3]));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Squares(Vector128<float> value)
    {
        var nearest = Vector128.Create(float.PositiveInfinity);
        foreach (var level in Nf4.Levels)
            nearest = Vector128.MinNative(nearest, Vector128.Abs(value - Vector128.Create(level)));
        return nearest * nearest;
    }
}
