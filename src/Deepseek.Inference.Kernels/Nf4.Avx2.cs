using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deepseek.Inference.Kernels;

// 16 weights a step, as two vectors.
public static partial class Nf4
{
    /// <summary>Encodes as many weights as fill whole steps; returns how many.</summary>
    internal static int EncodeAvx2(ref float values, int count, float inverse, ref byte codes)
    {
        const int Step = 16;
        var end = count - (count % Step);
        for (var i = 0; i < end; i += Step)
        {
            var first = CodesOf(Vector256.LoadUnsafe(ref values, (nuint)i) * inverse);
            var second = CodesOf(Vector256.LoadUnsafe(ref values, (nuint)i + 8) * inverse);
            var words = Vector256.Narrow(first, second); // in order: the portable form does not interleave lanes
            Pack(Vector128.Narrow(words.GetLower(), words.GetUpper()).AsByte(), ref codes, i / 2);
        }

        return end;
    }

    /// <summary>Decodes as many weights as fill whole steps; returns how many.</summary>
    internal static int DecodeAvx2(ref byte codes, int count, float scale, ref float destination)
    {
        const int Step = 16;
        var (negative, positive) = (Vector256.Create(Levels[..8]), Vector256.Create(Levels[8..]));
        var end = count - (count % Step);
        for (var i = 0; i < end; i += Step)
        {
            var code = Unpack(ref codes, i / 2);
            (LevelsOf(Avx2.ConvertToVector256Int32(code), negative, positive) * scale).StoreUnsafe(ref destination, (nuint)i);
            var later = Vector128.CreateScalar(code.AsUInt64().GetElement(1)).AsByte();
            (LevelsOf(Avx2.ConvertToVector256Int32(later), negative, positive) * scale).StoreUnsafe(ref destination, (nuint)i + 8);
        }

        return end;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<int> CodesOf(Vector256<float> normalised)
    {
        var code = Vector256<int>.Zero;
        foreach (var threshold in Thresholds)
            code -= Vector256.GreaterThan(normalised, Vector256.Create(threshold)).AsInt32();
        return code;
    }

    /// <summary>The permutation reads the low three bits of a code; the fourth picks the half of the table.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> LevelsOf(Vector256<int> code, Vector256<float> negative, Vector256<float> positive) =>
        Vector256.ConditionalSelect(
            Vector256.GreaterThan(code, Vector256.Create(7)).AsSingle(),
            Avx2.PermuteVar8x32(positive, code),
            Avx2.PermuteVar8x32(negative, code));
}
