using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deepseek.Inference.Kernels;

// 16 weights a step, as four vectors. Decoding is one table read a weight: the scalar form serves.
public static partial class Nf4
{
    /// <summary>Encodes as many weights as fill whole steps; returns how many.</summary>
    internal static int EncodeVector128(ref float values, int count, float inverse, ref byte codes)
    {
        const int Step = 16;
        var end = count - (count % Step);
        for (var i = 0; i < end; i += Step)
        {
            var words = Vector128.Narrow(CodesAt(ref values, i, inverse), CodesAt(ref values, i + 4, inverse));
            var later = Vector128.Narrow(CodesAt(ref values, i + 8, inverse), CodesAt(ref values, i + 12, inverse));
            Pack(Vector128.Narrow(words, later).AsByte(), ref codes, i / 2);
        }

        return end;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<int> CodesAt(ref float values, int at, float inverse)
    {
        var normalised = Vector128.LoadUnsafe(ref values, (nuint)at) * inverse;
        var code = Vector128<int>.Zero;
        foreach (var threshold in Thresholds)
            code -= Vector128.GreaterThan(normalised, Vector128.Create(threshold)).AsInt32();
        return code;
    }
}
